"""The event hub, with the official client at both ends."""

import json
import uuid

import ftrack_api
import pytest
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


def updated(entity_id):
    def wanted(event):
        return event["topic"] == "ftrack.update" and any(
            entity["entityId"] == entity_id for entity in event["data"]["entities"]
        )

    return wanted


def entity(event, entity_id):
    return next(entity for entity in event["data"]["entities"] if entity["entityId"] == entity_id)


def test_one_commit_is_one_update_in_the_older_words(listener, session, project, user):
    hears = listener("topic=ftrack.update")
    shot = session.create("Shot", {"name": "sh900", "parent": project})
    task = session.create("Task", {"name": "anim", "parent": shot})
    session.commit()
    event = hears.wait(updated(task["id"]))
    made = entity(event, task["id"])
    assert entity(event, shot["id"])["action"] == "add"
    assert (made["entityType"], made["entity_type"], made["action"]) == ("task", "Task", "add")
    assert made["objectTypeId"] == task["object_type_id"]
    assert made["parentId"] == shot["id"]
    assert [(parent["entityType"], parent["entityId"]) for parent in made["parents"]] == [
        ("task", task["id"]), ("task", shot["id"]), ("show", project["id"]),
    ]
    assert made["parents"][-1]["parentId"] is None
    assert made["changes"]["name"] == {"old": None, "new": "anim"}
    assert made["changes"]["showid"] == {"old": None, "new": project["id"]}
    assert set(made["keys"]) == set(made["changes"])
    assert event["data"]["user"]["userid"] == user["id"]
    assert {task["id"], shot["id"], project["id"]} <= set(event["data"]["parents"])


def test_an_update_names_what_changed_and_nothing_else(listener, session, task):
    hears = listener("topic=ftrack.update")
    before = task["status_id"]
    task["status"] = session.query('Status where name is "In progress"').one()
    session.commit()
    event = hears.wait(updated(task["id"]))
    changed = entity(event, task["id"])
    assert changed["action"] == "update"
    assert changed["keys"] == ["statusid"]
    assert changed["changes"] == {"statusid": {"old": before, "new": task["status_id"]}}


def test_a_custom_attribute_changes_its_entity_with_texts(listener, session, shot):
    hears = listener("topic=ftrack.update")
    shot["custom_attributes"]["fstart"] = 1010
    shot["custom_attributes"]["is_client_approved"] = True
    session.commit()
    event = hears.wait(updated(shot["id"]))
    changes = entity(event, shot["id"])["changes"]
    assert changes["fstart"]["new"] == "1010"
    assert changes["is_client_approved"]["new"] == "1"


def test_a_deleted_tree_is_told_entity_by_entity(listener, session, task):
    hears = listener("topic=ftrack.update")
    shot = task["parent"]
    ids = task["id"], shot["id"], shot["parent_id"]
    session.delete(shot)
    session.commit()
    event = hears.wait(updated(ids[0]))
    for gone in ids[:2]:
        assert entity(event, gone)["action"] == "remove"
    assert [parent["entityId"] for parent in entity(event, ids[0])["parents"]][:3] == list(ids)


def test_a_client_recognises_its_own_change(listener, call, task):
    hears = listener("topic=ftrack.update and data.clientToken=mine-1")
    update = {"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "entity_data": {"description": "x"}}
    call(update, **{"ftrack-clienttoken": "mine-1", "ftrack-pushtoken": "undefined"})
    event = hears.wait(updated(task["id"]))
    assert event["data"]["clientToken"] == "mine-1"
    assert event["data"]["pushToken"] is None


def test_a_failed_commit_sends_no_update(listener, session, call, shot):
    hears = listener("topic=ftrack.update")
    call(
        {"action": "create", "entity_type": "Task", "entity_data": {"name": "lost", "parent_id": shot["id"]}},
        {"action": "create", "entity_type": "Task", "entity_data": {"name": "lost", "parent_id": shot["id"]}},
    )
    shot["description"] = "after"
    session.commit()
    hears.wait(updated(shot["id"]))
    assert "lost" not in json.dumps([event["data"] for event in hears.events])
