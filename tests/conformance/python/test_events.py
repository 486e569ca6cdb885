"""The event hub, with the official client at both ends."""

import uuid

import ftrack_api
import requests
from ftrack_api.event.base import Event


def topic():
    return "test.%s" % uuid.uuid4().hex


def test_an_event_reaches_other_sessions_with_its_publisher(listener, user):
    what = topic()
    hears = listener("topic=%s and data.shot=sh010" % what)
    speaks = listener()
    speaks.hub.publish(Event(topic=what, data={"shot": "sh020"}))
    speaks.hub.publish(Event(topic=what, data={"shot": "sh010"}))
    event = hears.wait(lambda event: event["topic"] == what)
    assert event["data"] == {"shot": "sh010"}
    assert event["source"]["id"] == speaks.hub.id
    assert event["source"]["user"] == {"username": user["username"], "id": user["id"]}


def test_a_publisher_hears_itself_and_only_once(listener):
    what = topic()
    both = listener("topic=%s" % what, "topic=test.*")
    both.hub.publish(Event(topic=what))
    end = topic()
    both.hub.publish(Event(topic=end))
    both.wait(lambda event: event["topic"] == end)
    # Two subscribers of one connection: each is called once for the one event that came.
    assert [event["topic"] for event in both.events].count(what) == 2


def test_order_is_kept(listener):
    what = topic()
    hears = listener("topic=%s" % what)
    for number in range(100):
        hears.hub.publish(Event(topic=what, data={"number": number}))
    hears.wait(lambda event: event["data"].get("number") == 99)
    assert [event["data"]["number"] for event in hears.events if event["topic"] == what] == list(range(100))


def test_a_reply_comes_back_to_the_asker(listener):
    what = topic()
    listener("topic=%s" % what, reply={"items": [{"label": "Créer 🙂"}]})
    question = Event(topic=what)
    reply = listener().ask(question)
    assert reply["data"] == {"items": [{"label": "Créer 🙂"}]}
    assert reply["in_reply_to_event"] == question["id"]


def test_a_target_chooses_among_subscribers(listener):
    what = topic()
    one, two = listener(), listener()
    for each, app in ((one, "app.one"), (two, "app.two")):
        each.hub.subscribe(
            "topic=%s" % what,
            lambda event, each=each: each.events.append(event),
            subscriber={"id": uuid.uuid4().hex, "applicationId": app},
        )
    end = topic()
    for each in (one, two):
        each.listen("topic=%s" % end)
        each.settle()
    one.hub.publish(Event(topic=what, target="applicationId=app.one"))
    one.hub.publish(Event(topic=end))
    for each in (one, two):
        each.wait(lambda event: event["topic"] == end)
    assert [event["topic"] for event in one.events].count(what) == 1
    assert [event["topic"] for event in two.events].count(what) == 0


def test_nothing_comes_after_unsubscribing(listener):
    what, end = topic(), topic()
    hears = listener("topic=%s" % end)
    subscriber = hears.listen("topic=%s" % what)
    hears.hub.unsubscribe(subscriber)
    hears.hub.publish(Event(topic=what))
    hears.hub.publish(Event(topic=end))
    hears.wait(lambda event: event["topic"] == end)
    assert what not in [event["topic"] for event in hears.events]


def test_wrong_credentials_do_not_get_to_the_hub(server):
    answer = requests.get(server + "/socket.io/1/?api_user=ada&api_key=wrong", timeout=10)
    assert answer.status_code == 401


def test_the_handshake_names_the_websocket(server, credentials):
    answer = requests.get(server + "/socket.io/1/", headers=credentials, timeout=10)
    fields = answer.text.split(":")
    assert len(fields) == 4 and fields[3] == "websocket"
    in_query = requests.get(server + "/socket.io/1?api_user=%(ftrack-user)s&api_key=%(ftrack-api-key)s" % credentials, timeout=10)
    assert in_query.status_code == 200


def test_a_socket_without_a_session_is_refused(server):
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    answer = requests.get(server + "/socket.io/1/websocket/unknown", headers=headers, timeout=10)
    assert answer.status_code == 401
