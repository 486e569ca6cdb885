"""The event hub without a client in between: what exactly is on the wire."""

import json
import uuid

import pytest
import requests
import websocket


class Wire:
    """A socket of the event hub, opened the way both clients open it."""

    def __init__(self, server, credentials):
        answer = requests.get(server + "/socket.io/1/", headers=credentials, timeout=10)
        self.id = answer.text.split(":")[0]
        url = server.replace("http", "ws", 1) + "/socket.io/1/websocket/" + self.id
        self.socket = websocket.create_connection(url, timeout=20)

    def send(self, text):
        self.socket.send(text)

    def event(self, event, acknowledge=None):
        head = "5:%d+::" % acknowledge if acknowledge else "5:::"
        self.send(head + json.dumps({"name": "ftrack.event", "args": [event]}, ensure_ascii=False))

    def subscribe(self, subscription, acknowledge=None, subscriber=None):
        data = {"subscriber": {"id": subscriber or uuid.uuid4().hex}, "subscription": subscription}
        self.event({"topic": "ftrack.meta.subscribe", "data": data}, acknowledge)

    def receive(self, head):
        """Returns the first packet that begins so; heartbeats come in between."""
        while True:
            packet = self.socket.recv()
            if packet.startswith(head):
                return packet

    def receive_event(self):
        return json.loads(self.receive("5:::")[4:])["args"]


@pytest.fixture()
def wire(server, credentials):
    made = []

    def make():
        made.append(Wire(server, credentials))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()


def test_a_socket_is_greeted_and_hears_heartbeats(wire):
    one = wire()
    assert one.socket.recv() == "1::"
    assert one.receive("2") == "2::"
    one.send("2:::")
    one.send("2::")
    assert one.receive("2") == "2::"


def test_an_acknowledgement_holds_exactly_one_object(wire):
    one = wire()
    one.subscribe("topic=test.wire", acknowledge=7)
    assert one.receive("6") == '6:::7+[{"success":true}]'
    one.event({"topic": "test.other", "data": {}}, acknowledge=8)
    assert one.receive("6") == '6:::8+[{"success":true}]'


@pytest.mark.parametrize("subscription", ["", "topic", "topic=", "topic=a and", "topic=a)", "(((", "topic=é"])
def test_a_subscription_that_makes_no_sense_is_refused_with_a_message(wire, subscription):
    one = wire()
    one.subscribe(subscription, acknowledge=1)
    (answer,) = json.loads(one.receive("6").split("+", 1)[1])
    assert answer["success"] is False
    assert answer["message"]


def test_events_have_one_argument_and_the_seven_keys_alone(wire):
    one = wire()
    one.subscribe("topic=test.wire")
    one.event({"id": "e1", "topic": "test.wire", "data": {"a": 1}, "target": "", "inReplyToEvent": None, "sent": None,
               "source": {"id": "me", "applicationId": "app"}, "invented": True})
    (event,) = one.receive_event()
    assert set(event) == {"id", "topic", "data", "target", "inReplyToEvent", "sent", "source"}
    assert event["source"]["id"] == "me"
    assert event["source"]["applicationId"] == "app"
    assert set(event["source"]["user"]) == {"id", "username"}


def test_text_of_every_kind_survives(wire):
    one = wire()
    one.subscribe("topic=test.wire")
    text = "a:b::c \"quoted\" \\ é 🙂 \u2028 \n"
    one.event({"topic": "test.wire", "data": {"text": text}})
    assert one.receive_event()[0]["data"]["text"] == text


def test_a_large_event_is_delivered(wire):
    one = wire()
    one.subscribe("topic=test.wire")
    one.event({"topic": "test.wire", "data": {"text": "x" * (17 * 1024 * 1024)}})
    assert len(one.receive_event()[0]["data"]["text"]) == 17 * 1024 * 1024


def test_the_same_subscriber_twice_is_one_subscriber(wire):
    one = wire()
    one.subscribe("topic=test.first", subscriber="same")
    one.subscribe("topic=test.second", subscriber="same", acknowledge=1)
    one.receive("6")
    one.event({"topic": "test.first", "data": {}})
    one.event({"topic": "test.second", "data": {}})
    assert one.receive_event()[0]["topic"] == "test.second"


def test_the_same_subscriber_on_a_new_socket_is_served_there(wire):
    old, new = wire(), wire()
    for one in (old, new):
        one.subscribe("topic=test.wire", subscriber="same", acknowledge=1)
        one.receive("6")
    old.socket.close()
    new.event({"topic": "test.wire", "data": {}, "target": "id=same"})
    assert new.receive_event()[0]["topic"] == "test.wire"


@pytest.mark.parametrize(
    "packet", ["", ":", "5:::", "5:::{", "5:::[]", "5:::{\"name\":\"other\",\"args\":[{}]}", "9::", "3:::hi", "4:::{}", "8::", "6:::1"]
)
def test_nonsense_does_not_end_the_connection(wire, packet):
    one = wire()
    one.send(packet)
    one.subscribe("topic=x", acknowledge=3)
    assert one.receive("6") == '6:::3+[{"success":true}]'


def test_a_disconnect_packet_ends_the_connection(wire):
    one = wire()
    one.send("0::")
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        one.receive("never")


def test_a_session_serves_one_socket(wire, server):
    one = wire()
    url = server.replace("http", "ws", 1) + "/socket.io/1/websocket/" + one.id
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        websocket.create_connection(url, timeout=10)
    assert caught.value.status_code == 401


@pytest.mark.parametrize(
    "subscription, is_wanted",
    [
        ("topic=test.*", True),
        ('topic="test.wire" and data.number=10', True),
        ("topic=test.wire and data.number=11", False),
        ("topic=test.wire and data.flag=true", True),
        ("topic=test.wire and data.missing=1", False),
        ("topic=test.wire and data.name=sh*", True),
        ("topic=test.wire and data.name=h*", False),
        ("topic=test.wire and data.nested.deep=1", True),
        ("topic=test.wire and not data.name=sh020", True),
        ("topic=other or topic=test.wire and data.name=sh010", True),
        ("topic=test.wire and source.user.username=nobody", False),
        ("topic=test.wire and source.user.username=ada", True),
    ],
)
def test_subscriptions_choose_events(wire, subscription, is_wanted):
    one = wire()
    one.subscribe(subscription)
    one.subscribe("topic=end")
    one.event({"topic": "test.wire", "data": {"number": 10, "flag": True, "name": "sh010", "nested": {"deep": "1"}}})
    one.event({"topic": "end", "data": {}})
    assert (one.receive_event()[0]["topic"] == "test.wire") is is_wanted
