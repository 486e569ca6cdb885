"""How the official client's connection to the hub begins, breaks and comes back, and what is on the wire."""

import json
import uuid

import ftrack_api
import pytest
import requests
import websocket
from ftrack_api.event.base import Event
from test_events import topic


def until(is_so, hub, what):
    """Asks again and again, a short while at most."""
    for _ in range(100):
        if is_so():
            return
        hub.wait(0.05)
    raise AssertionError("never: %s" % what)


def connections(control):
    return control.post("hub", do="count")["connections"]


def test_connecting_is_told_to_local_subscribers(session):
    came = []
    session.event_hub.subscribe("topic=ftrack.meta.connected", came.append)
    session.event_hub.connect()
    until(lambda: came, session.event_hub, "connected")
    assert came[0]["source"]["id"] == session.event_hub.id


def test_connecting_twice_is_an_error(session):
    session.event_hub.connect()
    with pytest.raises(ftrack_api.exception.EventHubConnectionError):
        session.event_hub.connect()
    assert session.event_hub.connected


def test_a_wrong_key_does_not_connect(server):
    hub = ftrack_api.event.hub.EventHub(server, "ada", "wrong")
    with pytest.raises(ftrack_api.exception.EventHubConnectionError):
        hub.connect()
    assert not hub.connected


def test_a_session_connects_by_itself_when_asked(new_session):
    session = new_session(auto_connect_event_hub=True)
    until(lambda: session.event_hub.connected, session.event_hub, "connected")


def test_a_connection_that_broke_comes_back_with_its_subscriptions(listener, control):
    what = topic()
    hears = listener("topic=%s" % what)
    hub_id = hears.hub.id
    control.post("hub", do="drop_connections")
    for _ in range(100):
        if hears.hub.connected and connections(control) > 0:
            break
        hears.arrived.acquire()
        hears.arrived.wait(0.05)
        hears.arrived.release()
    hears.settle()
    speaks = listener()
    speaks.hub.publish(Event(topic=what, data={"after": True}))
    assert hears.wait(lambda event: event["topic"] == what)["data"] == {"after": True}
    assert hears.hub.id == hub_id


def test_replies_still_come_after_a_reconnection(listener, control):
    what = topic()
    answers, asks = listener("topic=%s" % what, reply="still here"), listener()
    for each in (answers, asks):
        each.hub.reconnect(attempts=3, delay=0.1)
        each.settle()
    assert asks.ask(Event(topic=what))["data"] == "still here"


def test_what_is_published_between_two_connections_is_sent_afterwards(listener):
    what = topic()
    hears, speaks = listener("topic=%s" % what), listener()
    speaks.hub.disconnect(unsubscribe=False, reconnect=True)
    for number in range(3):
        speaks.hub.publish(Event(topic=what, data={"n": number}))
    speaks.hub.connect()
    hears.wait(lambda event: event["data"].get("n") == 2)
    assert [event["data"]["n"] for event in hears.events if event["topic"] == what] == [0, 1, 2]


def test_a_hub_that_disconnected_is_forgotten(listener, session, control):
    keeps = listener()
    before = connections(control)
    session.event_hub.connect()
    assert connections(control) == before + 1
    session.event_hub.disconnect()
    until(lambda: connections(control) == before, keeps.hub, "the connection ended")


def test_a_process_that_dies_is_forgotten(listener, wire, control):
    keeps = listener()
    before = connections(control)
    dying = wire()
    dying.recv()
    assert connections(control) == before + 1
    dying.sock.close()
    until(lambda: connections(control) == before, keeps.hub, "the connection ended")


def test_nothing_is_kept_for_a_session_that_was_away(listener):
    what, end = topic(), topic()
    away, speaks = listener("topic=%s" % what, "topic=%s" % end), listener()
    away.hub.disconnect(unsubscribe=False, reconnect=True)
    speaks.hub.publish(Event(topic=what))
    speaks.settle()
    away.hub.connect()
    away.settle()
    speaks.hub.publish(Event(topic=end))
    away.wait(lambda event: event["topic"] == end)
    assert what not in [event["topic"] for event in away.events]


@pytest.fixture()
def wire(server, credentials):
    """Opens sockets as the client does: `wire()`, with a session of its own or a given one."""
    opened = []

    def handshake():
        return requests.get(server + "/socket.io/1/", headers=credentials, timeout=10).text.split(":")[0]

    def connect(session=None):
        url = "%s/socket.io/1/websocket/%s" % (server.replace("http", "ws", 1), session or handshake())
        opened.append(websocket.create_connection(url, timeout=20))
        return opened[-1]

    connect.handshake = handshake
    yield connect
    for one in opened:
        one.close()


def packet(number, **event):
    return "5:%s::%s" % (number, json.dumps({"name": "ftrack.event", "args": [event]}))


def answer(socket, begins):
    """Returns the next packet that begins so."""
    while True:
        got = socket.recv()
        if got.startswith(begins):
            return got


def acknowledged(socket, number, **event):
    socket.send(packet("%d+" % number, **event))
    begins = "6:::%d+" % number
    return json.loads(answer(socket, begins)[len(begins):])


def subscription(expression, identifier=None):
    subscriber = {"id": identifier or uuid.uuid4().hex}
    return {"topic": "ftrack.meta.subscribe", "data": {"subscriber": subscriber, "subscription": expression}}


def test_a_connection_begins_with_connect_and_a_heartbeat(wire):
    socket = wire()
    assert [socket.recv(), socket.recv()] == ["1::", "2::"]


def test_heartbeats_go_on_whatever_else_is_sent(wire):
    socket = wire()
    assert [socket.recv(), socket.recv()] == ["1::", "2::"]
    for number in range(1, 4):
        socket.send("2:::")
        assert acknowledged(socket, number, topic=topic(), data={}) == [{"success": True}]
    assert answer(socket, "2") == "2::"


def test_a_session_is_good_for_one_socket(wire):
    session = wire.handshake()
    wire(session)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        wire(session)
    assert refused.value.status_code == 401


def test_a_session_that_the_server_forgot_is_refused(wire, control):
    session = wire.handshake()
    control.post("hub", do="forget_sessions")
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        wire(session)
    assert refused.value.status_code == 401


def test_an_acknowledgement_has_one_object(wire):
    socket = wire()
    assert acknowledged(socket, 1, **subscription("topic=a")) == [{"success": True}]
    end = {"topic": "ftrack.meta.unsubscribe", "data": {"subscriber": {"id": "unknown"}}}
    assert acknowledged(socket, 2, **end) == [{"success": True}]
    assert acknowledged(socket, 3, topic=topic(), data={}) == [{"success": True}]


@pytest.mark.parametrize("expression", ["", "topic", "topic=", "topic=a and", "(topic=a", "topic=a:b", "topic=é"])
def test_a_subscription_that_cannot_be_read_is_refused_with_a_message(wire, expression):
    [outcome] = acknowledged(wire(), 1, **subscription(expression))
    assert outcome["success"] is False and "expected" in outcome["message"]


def test_what_is_no_event_is_refused_with_a_message(wire):
    socket = wire()
    for number, args in enumerate(([], [1], ["a"], [{}, {}], [{}], [{"topic": 1}]), 1):
        socket.send("5:%d+::%s" % (number, json.dumps({"name": "ftrack.event", "args": args})))
        [outcome] = json.loads(answer(socket, "6:::%d+" % number).split("+", 1)[1])
        assert outcome["success"] is False and outcome["message"]


def test_an_event_comes_with_its_seven_keys_and_no_number(wire):
    socket, what = wire(), topic()
    acknowledged(socket, 1, **subscription("topic=%s" % what))
    socket.send(packet("", topic=what, id="e1", data={"t": "10:30::"}, more=1, _private=True))
    text = answer(socket, "5")
    assert text.startswith("5:::")
    received = json.loads(text[4:])
    assert received["name"] == "ftrack.event" and len(received["args"]) == 1
    event = received["args"][0]
    assert set(event) <= {"topic", "data", "id", "sent", "source", "target", "inReplyToEvent"}
    assert (event["id"], event["data"]) == ("e1", {"t": "10:30::"})


def test_the_same_subscriber_again_changes_its_subscription(wire):
    socket, first, second = wire(), topic(), topic()
    acknowledged(socket, 1, **subscription("topic=%s" % first, "same"))
    acknowledged(socket, 2, **subscription("topic=%s" % second, "same"))
    socket.send(packet("", topic=first))
    socket.send(packet("", topic=second))
    assert json.loads(answer(socket, "5")[4:])["args"][0]["topic"] == second


def test_what_nobody_sends_ends_nothing(wire):
    socket = wire()
    for odd in ("", ":", "8::", "3:::text", "4:::{}", "9::", "5", "5:::{", "5:x+::{}", "7:::error", "1::", "é::", "6:::1+[]"):
        socket.send(odd)
    assert acknowledged(socket, 7, topic=topic(), data={}) == [{"success": True}]


def test_a_goodbye_ends_the_connection(wire):
    socket = wire()
    socket.send("0::")
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        while True:
            if socket.recv() == "":
                raise websocket.WebSocketConnectionClosedException("closed")


def test_both_ways_of_signing_in_are_the_same_person(server, credentials, wire, user):
    in_query = "%s/socket.io/1/?api_user=%s&api_key=%s" % (server, credentials["ftrack-user"], credentials["ftrack-api-key"])
    session = requests.get(in_query, timeout=10).text.split(":")[0]
    socket, what = wire(session), topic()
    acknowledged(socket, 1, **subscription("topic=%s" % what))
    socket.send(packet("", topic=what, source={"id": "me", "user": {"username": "somebody"}}))
    source = json.loads(answer(socket, "5")[4:])["args"][0]["source"]
    assert source == {"id": "me", "user": {"username": user["username"], "id": user["id"]}}
