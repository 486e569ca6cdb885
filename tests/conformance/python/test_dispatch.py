"""What a user of the official client's event hub relies on: order, replies, filters and people."""

import threading
import uuid

import ftrack_api
import pytest
from ftrack_api.event.base import Event
from test_events import topic


def called(listener, what, *subscribers):
    """Subscribes each `(name, priority, answer)`, publishes, and returns the names in the order of their calls."""
    hears = listener()
    names = []

    def subscribe(one, priority, answer):
        def receive(event):
            names.append(one)
            return answer(event)

        hears.hub.subscribe("topic=%s" % what, receive, priority=priority)

    for subscriber in subscribers:
        subscribe(*subscriber)
    hears.settle()
    hears.hub.publish(Event(topic=what))
    hears.settle()
    return names


def nothing(event):
    return None


def test_a_lower_priority_is_called_first(listener):
    names = called(listener, topic(), ("late", 200, nothing), ("usual", 100, nothing), ("first", 0, nothing))
    assert names == ["first", "usual", "late"]


def test_an_event_that_was_stopped_goes_no_further(listener):
    names = called(listener, topic(), ("last", 30, nothing), ("stops", 20, lambda event: event.stop()), ("first", 10, nothing))
    assert names == ["first", "stops"]


def test_a_callback_that_fails_keeps_nobody_from_theirs(listener):
    def fail(event):
        raise RuntimeError("on purpose")

    assert called(listener, topic(), ("fails", 10, fail), ("next", 20, nothing)) == ["fails", "next"]


def test_a_stop_is_of_one_session_alone(listener):
    what = topic()
    stops, hears = listener(), listener("topic=%s" % what)
    stops.hub.subscribe("topic=%s" % what, lambda event: event.stop(), priority=0)
    stops.settle()
    stops.hub.publish(Event(topic=what))
    assert hears.wait(lambda event: event["topic"] == what)


def test_a_synchronous_event_stays_here_and_returns_what_was_answered(listener):
    what, end = topic(), topic()
    asks, hears = listener(), listener("topic=%s" % what, "topic=%s" % end)
    asks.hub.subscribe("topic=%s" % what, lambda event: "second", priority=20)
    asks.hub.subscribe("topic=%s" % what, lambda event: event["data"]["n"], priority=10)
    assert asks.hub.publish(Event(topic=what, data={"n": 1}), synchronous=True) == [1, "second"]
    asks.hub.publish(Event(topic=end))
    hears.wait(lambda event: event["topic"] == end)
    assert what not in [event["topic"] for event in hears.events]


def test_without_a_connection_only_synchronous_events_work(session):
    session.event_hub.subscribe("topic=a", lambda event: "here")
    assert session.event_hub.publish(Event(topic="a"), synchronous=True) == ["here"]
    with pytest.raises(ftrack_api.exception.EventHubConnectionError):
        session.event_hub.publish(Event(topic="a"))
    assert session.event_hub.publish(Event(topic="a"), on_error="ignore") is None


def replies(asks, event, count):
    """Publishes an event and returns its first replies."""
    came, arrived = [], threading.Event()

    def receive(reply):
        came.append(reply)
        if len(came) == count:
            arrived.set()

    asks.hub.publish(event, on_reply=receive)
    assert arrived.wait(10), "only %d replies" % len(came)
    return came


def test_every_session_may_reply(listener):
    what = topic()
    for number in range(3):
        listener("topic=%s" % what, reply={"number": number})
    question = Event(topic=what)
    came = replies(listener(), question, 3)
    assert sorted(reply["data"]["number"] for reply in came) == [0, 1, 2]
    assert {reply["in_reply_to_event"] for reply in came} == {question["id"]}


def test_every_subscriber_of_a_session_may_reply(listener):
    what = topic()
    answers = listener()
    answers.listen("topic=%s" % what, reply="one")
    answers.listen("topic=%s" % what, reply="two")
    answers.settle()
    assert sorted(reply["data"] for reply in replies(listener(), Event(topic=what), 2)) == ["one", "two"]


@pytest.mark.parametrize("answer", [[1, {"a": None}], True, 1.5, "é🙂", {"success": True, "message": "x:y::z"}])
def test_a_reply_may_be_anything(listener, answer):
    what = topic()
    listener("topic=%s" % what, reply=answer)
    data = listener().ask(Event(topic=what))["data"]
    assert data == answer and type(data) is type(answer)


def test_a_reply_says_who_replied(listener, user):
    what = topic()
    answers = listener()
    metadata = {"id": uuid.uuid4().hex, "applicationId": "studio.tool"}
    answers.hub.subscribe("topic=%s" % what, lambda event: "yes", subscriber=metadata)
    answers.settle()
    source = listener().ask(Event(topic=what))["source"]
    assert source["id"] == metadata["id"]
    assert source["applicationId"] == "studio.tool"
    assert source["user"] == {"username": user["username"], "id": user["id"]}


def test_nobody_else_gets_a_reply(listener):
    what, end = topic(), topic()
    curious = listener("topic=ftrack.meta.reply", "topic=%s" % end)
    listener("topic=%s" % what, reply="secret")
    asks = listener()
    asks.ask(Event(topic=what))
    asks.hub.publish(Event(topic=end))
    curious.wait(lambda event: event["topic"] == end)
    assert "ftrack.meta.reply" not in [event["topic"] for event in curious.events]


def test_a_reply_can_be_published_later(listener):
    what = topic()
    answers, asks = listener("topic=%s" % what), listener()
    came, arrived = [], threading.Event()
    asks.hub.publish(Event(topic=what), on_reply=lambda reply: (came.append(reply), arrived.set()))
    question = answers.wait(lambda event: event["topic"] == what)
    answers.hub.publish_reply(question, {"done": True}, source={"id": "later"})
    assert arrived.wait(10)
    assert (came[0]["data"], came[0]["source"]["id"]) == ({"done": True}, "later")


EXPRESSIONS = [
    ("topic=test.*", {}, True),
    ("topic=tes*", {}, True),
    ("topic=other.*", {}, False),
    ("data.n=1", {"n": "1"}, True),
    ("data.n=1", {"n": "2"}, False),
    ("data.n!=1", {"n": "2"}, True),
    ("data.gone!=1", {}, False),
    ("not data.gone=1", {}, True),
    ("not data.kind=a", {"kind": "b"}, True),
    ("NOT (data.a=1 OR data.b=1)", {"a": "2", "b": "1"}, False),
    ("(data.a=1 or data.b=1) and data.c=1", {"b": "1", "c": "1"}, True),
    ("data.a=1 or data.b=1 and data.c=1", {"a": "1"}, True),
    ("data.a.b.c=deep", {"a": {"b": {"c": "deep"}}}, True),
    ("data.a.b.c=deep", {"a": {"b": ["c"]}}, False),
    ('data.name="two words"', {"name": "two words"}, True),
    ("data.name='it is \"so\"'", {"name": 'it is "so"'}, True),
    ('data.name="é*"', {"name": "éa:b"}, True),
    ("data.user=a.b-c+d@studio.tv", {"user": "a.b-c+d@studio.tv"}, True),
    ("data.path=/shots/sh*", {"path": "/shots/sh010"}, True),
    ("data.version>=12", {"version": "13"}, True),
    ("data.version<12", {"version": "13"}, False),
    ("data.gone=*", {"n": "1"}, False),
]


@pytest.mark.parametrize("expression, data, is_wanted", EXPRESSIONS)
def test_a_subscription_chooses(listener, expression, data, is_wanted):
    what, end = topic(), topic()
    hears = listener("%s and data.test=%s" % ("(%s)" % expression, what), "topic=%s" % end)
    hears.hub.publish(Event(topic=what, data=dict(data, test=what)))
    hears.hub.publish(Event(topic=end))
    hears.wait(lambda event: event["topic"] == end)
    assert (what in [event["topic"] for event in hears.events]) is is_wanted


def test_a_number_that_is_no_text_hurts_nobody(listener):
    # The official matcher raises when it looks for a beginning in a number, so such an event must not come.
    what, end = topic(), topic()
    hears = listener("topic=%s and data.n=1*" % what, "topic=%s" % end)
    hears.hub.publish(Event(topic=what, data={"n": 10}))
    hears.hub.publish(Event(topic=end))
    assert hears.wait(lambda event: event["topic"] == end)


def test_one_user_with_several_sessions_hears_in_each(listener):
    what = topic()
    sessions = [listener("topic=%s" % what) for _ in range(4)]
    sessions[0].hub.publish(Event(topic=what))
    ids = [each.wait(lambda event: event["topic"] == what)["id"] for each in sessions]
    assert len(set(ids)) == 1


def test_nobody_can_speak_as_somebody_else(listener, read_only_session, user):
    what = topic()
    hears = listener("topic=%s" % what)
    read_only_session.event_hub.connect()
    claim = {"username": user["username"], "id": user["id"]}
    read_only_session.event_hub.publish(Event(topic=what, source={"user": claim, "applicationId": "mine"}))
    source = hears.wait(lambda event: event["topic"] == what)["source"]
    assert source["user"]["username"] == "bo" and source["user"]["id"] != user["id"]
    assert (source["applicationId"], source["id"]) == ("mine", read_only_session.event_hub.id)


def test_subscribers_of_two_sessions_may_have_one_id(listener):
    what = topic()
    metadata = {"id": "the-same-id"}
    sessions = [listener(), listener()]
    for each in sessions:
        each.hub.subscribe("topic=%s" % what, lambda event, each=each: each.events.append(event), subscriber=dict(metadata))
        each.settle()
    sessions[0].hub.publish(Event(topic=what))
    for each in sessions:
        each.settle()
        assert [event["topic"] for event in each.events].count(what) == 1


def test_a_target_may_look_deep_into_metadata(listener, user):
    what = "ftrack.action.trigger-user-interface"
    web, other = listener(), listener()
    for each, metadata in (
        (web, {"id": uuid.uuid4().hex, "applicationId": "ftrack.client.web", "user": {"id": user["id"]}}),
        (other, {"id": uuid.uuid4().hex, "applicationId": "ftrack.client.web", "user": {"id": "somebody"}}),
    ):
        each.hub.subscribe("topic=%s" % what, lambda event, each=each: each.events.append(event), subscriber=metadata)
        each.settle()
    message = {"type": "message", "success": True, "message": "Status was set"}
    target = 'applicationId=ftrack.client.web and user.id="%s"' % user["id"]
    web.hub.publish(Event(topic=what, data=message, target=target))
    for each in (web, other):
        each.settle()
    assert [event["data"] for event in web.events if event["topic"] == what] == [message]
    assert what not in [event["topic"] for event in other.events]


def test_a_target_that_cannot_be_read_is_told_to_the_publisher(listener, caplog):
    speaks = listener()
    speaks.hub.publish(Event(topic=topic(), target="not an expression"))
    speaks.settle()
    problems = [record.getMessage() for record in caplog.records if "error while publishing" in record.getMessage()]
    assert len(problems) == 1 and "target" in problems[0]


def test_a_target_that_fits_nobody_is_no_error(listener, caplog):
    speaks = listener()
    speaks.hub.publish(Event(topic=topic(), target="id=nobody"))
    speaks.settle()
    assert "error while publishing" not in caplog.text


def test_a_large_event_arrives_whole(listener):
    what = topic()
    hears = listener("topic=%s" % what)
    data = {"text": "é:" * 1_000_000, "list": list(range(1000))}
    hears.hub.publish(Event(topic=what, data=data))
    assert hears.wait(lambda event: event["topic"] == what)["data"] == data


def test_a_subscription_ends_with_its_block(listener):
    what, end = topic(), topic()
    hears, came = listener("topic=%s" % end), []
    with hears.hub.subscription("topic=%s" % what, came.append):
        hears.settle()
        hears.hub.publish(Event(topic=what))
        hears.settle()
    hears.hub.publish(Event(topic=what))
    hears.hub.publish(Event(topic=end))
    hears.wait(lambda event: event["topic"] == end)
    assert len(came) == 1


def test_what_was_published_before_the_connection_is_sent_once_it_is_there(listener, session):
    what = topic()
    hears = listener("topic=%s" % what)
    session.event_hub.init_connection()
    session.event_hub.publish(Event(topic=what, data={"n": 1}))
    session.event_hub.publish(Event(topic=what, data={"n": 2}))
    session.event_hub.connect()
    hears.wait(lambda event: event["data"].get("n") == 2)
    assert [event["data"]["n"] for event in hears.events if event["topic"] == what] == [1, 2]
