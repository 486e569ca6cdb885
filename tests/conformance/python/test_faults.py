"""The faults that the sandbox makes on request, seen through the official client."""

import hashlib
import json
import time
import uuid
from email.utils import parsedate_to_datetime

import ftrack_api
import pytest
import requests
import websocket
from conftest import name

SCOPES = {"action": "query", "expression": "select id from Scope"}


def statuses(call, times):
    """The statuses of the same call again and again."""
    return [call(SCOPES).status_code for _ in range(times)]


def upload(call, content, **details):
    """Asks for an upload and sends the bytes; returns the component's id and what the server said."""
    component = str(uuid.uuid4())
    operation = {"action": "get_upload_metadata", "component_id": component, "file_name": "a.bin", "file_size": len(content)}
    target = call({**operation, **details}).json()[0]
    return component, lambda: requests.put(target["url"], data=content, headers=target["headers"], timeout=20)


def seconds_ahead(answer):
    """How far the server's clock is ahead, by what the answer says."""
    return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()


def download(server, credentials, component):
    query = {"id": component, "username": credentials["ftrack-user"], "apiKey": credentials["ftrack-api-key"]}
    return requests.get(server + "/component/get", params=query, timeout=20)


def test_the_control_endpoints_ask_for_their_token(server):
    assert requests.get(server + "/sandbox/requests", timeout=10).status_code == 403
    assert requests.post(server + "/sandbox/faults", json={}, headers={"sandbox-token": "no"}, timeout=10).status_code == 403


@pytest.mark.parametrize(
    "rule, said",
    [
        ({"fault": "dance"}, "unknown variant `dance`"),
        ({"fault": "html", "cuont": 2}, "`cuont` is no part of this fault"),
        ({"fault": "status", "status": 99}, "`99` is no status"),
    ],
)
def test_a_fault_that_would_do_nothing_is_refused_in_words(control, rule, said):
    answer = requests.post(control.url + "faults", json=rule, headers=control.headers, timeout=10)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_status_lasts_for_as_many_requests_as_asked(call, control):
    control.post("faults", match="from Scope", count=2, fault="status", status=429, retry_after_secs=3)
    first = call(SCOPES)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert statuses(call, 2) == [429, 200]


def test_a_fault_can_wait_for_the_nth_request_and_strike_every_mth(call, control):
    control.post("faults", match="from Scope", nth=2, every=3, count=2, fault="status", status=503)
    assert statuses(call, 9) == [200, 503, 200, 200, 503, 200, 200, 200, 200]


def test_chance_is_repeatable_by_its_seed(call, control):
    def run(seed):
        control.delete("faults")
        control.post("faults", match="from Scope", probability=0.5, seed=seed, count=None, fault="status", status=503)
        return statuses(call, 20)

    first = run(1)
    assert set(first) == {200, 503}
    assert run(1) == first
    assert run(2) != first


def test_a_fault_is_for_one_kind_of_operation(session, shot, control):
    control.post("faults", action="create", entity_type="Task", fault="error", exception="ValidationError", content="not today")
    session.query("Task").first()
    session.create("Scope", {"name": name()})
    session.commit()
    session.create("Task", {"name": "anim", "parent": shot})
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.commit()
    assert str(caught.value) == "Server reported error: ValidationError(not today)"
    # Nothing was done, and the same batch goes through once the fault is used up.
    session.commit()
    assert [child["name"] for child in session.query('Task where parent_id is "%s"' % shot["id"])] == ["anim"]


def test_a_fault_is_for_one_user(call, read_only_session, control):
    control.post("faults", user="bo", path="/api", fault="status", status=503)
    assert call(SCOPES).status_code == 200
    # The client does not make an error of its own of a status without JSON.
    with pytest.raises(json.JSONDecodeError):
        read_only_session.query("Scope").all()
    assert read_only_session.query("Scope").all()


def test_standing_faults_say_what_they_have_done(call, control):
    made = control.post("faults", match="from Scope", nth=2, count=5, fault="html")["id"]
    statuses(call, 3)
    (standing,) = control.get("faults")["faults"]
    assert (standing["id"], standing["fitted"], standing["hit"]) == (made, 3, 2)
    control.delete("faults/%d" % made)
    assert control.get("faults")["faults"] == []
    assert call(SCOPES).headers["content-type"] == "application/json"


def test_a_web_page_instead_of_an_answer_is_an_error(session, control):
    control.post("faults", match="from Scope", fault="html")
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.query("Scope").all()
    assert "unexpected format" in str(caught.value)


@pytest.mark.parametrize("fault", [{"fault": "truncate", "bytes": 1}, {"fault": "invalid_json"}])
def test_broken_json_is_an_error_and_what_was_asked_was_done(session, shot, control, fault):
    made = name()
    control.post("faults", match=made, **fault)
    session.create("Task", {"name": made, "parent": shot})
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.commit()
    assert "unexpected format" in str(caught.value)
    session.rollback()
    assert len(session.query('Task where name is "%s"' % made).all()) == 1


@pytest.mark.parametrize("fault, is_done", [("close_before", False), ("close_after", True)])
def test_a_closed_connection_says_nothing_of_what_was_done(call, session, shot, control, fault, is_done):
    made = name(fault)
    control.post("faults", match=made, fault=fault)
    create = {"action": "create", "entity_type": "Task", "entity_data": {"name": made, "parent_id": shot["id"]}}
    with pytest.raises(requests.exceptions.ConnectionError):
        call(create)
    assert bool(session.query('Task where name is "%s"' % made).all()) is is_done


def test_a_gateway_that_gives_up_does_not_undo_what_was_done(call, session, shot, control):
    made = name()
    control.post("faults", match=made, fault="status", status=504, is_done=True)
    create = {"action": "create", "entity_type": "Task", "entity_data": {"name": made, "parent_id": shot["id"]}}
    assert call(create).status_code == 504
    assert len(session.query('Task where name is "%s"' % made).all()) == 1


def test_an_answer_can_end_in_the_middle(call, control):
    control.post("faults", match="from Status", fault="close_answer", bytes=30)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)) as caught:
        call({"action": "query", "expression": "select name from Status"}, **{"accept-encoding": "identity"})
    assert "30 bytes read" in str(caught.value)


def test_a_request_can_be_cut_off_in_the_middle(call, session, control):
    control.delete("requests")
    made = name()
    control.post("faults", path="/api", fault="close_request", bytes=50)
    with pytest.raises(requests.exceptions.ConnectionError):
        call({"action": "create", "entity_type": "Scope", "entity_data": {"name": made}})
    assert session.query('Scope where name is "%s"' % made).all() == []
    cut = control.get("requests")["requests"][0]
    assert (cut["faults"], cut["bytes_in"], cut["status"]) == (["close_request"], 50, None)


def test_a_late_answer_is_an_answer(call, control):
    control.post("faults", match="from Scope", fault="delay", milliseconds=200)
    answer = call(SCOPES)
    assert answer.elapsed.total_seconds() >= 0.2
    assert answer.json()[0]["action"] == "query"


def test_a_client_that_does_not_wait_still_has_its_changes_made(session, shot, new_session, control):
    made = name()
    control.post("faults", match=made, fault="delay", milliseconds=700)
    hasty = new_session(timeout=0.2)
    hasty.create("Task", {"name": made, "parent_id": shot["id"]})
    with pytest.raises(requests.exceptions.ReadTimeout):
        hasty.commit()
    deadline = time.monotonic() + 10
    while not session.query('Task where name is "%s"' % made).all():
        assert time.monotonic() < deadline, "the change was never made"


def test_a_slow_answer_arrives_whole(call, control):
    expected = call({"action": "query", "expression": "select name from Status"}).json()
    control.post("faults", match="from Status", fault="slow_answer", bytes_per_second=2000)
    began = time.monotonic()
    plain = call({"action": "query", "expression": "select name from Status"}, **{"accept-encoding": "identity"})
    assert plain.json() == expected
    assert time.monotonic() - began >= len(plain.content) / 2000 * 0.8


def test_a_slow_upload_arrives_whole(call, server, credentials, control):
    content = b"0123456789" * 400
    component, send = upload(call, content)
    control.post("faults", path="/upload/", fault="slow_request", bytes_per_second=10000)
    began = time.monotonic()
    assert send().status_code == 200
    assert time.monotonic() - began >= 0.3
    assert download(server, credentials, component).content == content


def test_an_upload_that_breaks_off_leaves_nothing(call, server, credentials, control):
    control.delete("requests")
    component, send = upload(call, b"x" * 300000)
    control.post("faults", path="/upload/", fault="close_request", bytes=1000)
    with pytest.raises(requests.exceptions.ConnectionError):
        send()
    assert download(server, credentials, component).status_code == 404
    (record,) = control.get("requests?path=/upload/")["requests"]
    assert (record["method"], record["bytes_in"], record["faults"]) == ("PUT", 1000, ["close_request"])
    assert send().status_code == 200
    assert download(server, credentials, component).content == b"x" * 300000


def test_an_upload_can_be_told_that_something_else_arrived(session, server, control, tmp_path):
    control.post("faults", path="/upload/", fault="wrong_md5")
    source = tmp_path / "clip.bin"
    source.write_bytes(b"clip")
    location = session.query('Location where name is "ftrack.server"').one()
    with pytest.raises(ftrack_api.exception.LocationError) as caught:
        session.create_component(str(source), location=location)
    assert "400 Client Error" in str(caught.value)
    session.rollback()


def test_an_upload_can_be_answered_with_the_tag_of_something_else(call, control):
    content = b"part"
    first, send = upload(call, content)
    right = send().headers["ETag"]
    assert right == '"%s"' % hashlib.md5(content).hexdigest()
    control.post("faults", path="/upload/", fault="wrong_etag")
    second, send = upload(call, content)
    assert send().headers["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"' != right


def test_a_download_can_have_a_wrong_byte(call, server, credentials, control):
    component, send = upload(call, b"abcdef")
    send()
    control.post("faults", fault="wrong_byte", at=2)
    assert download(server, credentials, component).content == b"ab" + bytes([ord("c") ^ 0xFF]) + b"def"
    assert download(server, credentials, component).content == b"abcdef"


def test_an_old_server_is_recognised_by_the_client(session, control):
    control.post("faults", action="get_widget_url", fault="old_server")
    with pytest.raises(ftrack_api.exception.ServerCompatibilityError):
        session.get_widget_url("tasks")


def test_a_lost_session_is_an_authentication_error(session, call, control):
    control.post("faults", match="from Scope", count=2, fault="lost_session")
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.query("Scope").all()
    assert "InvalidCredentialsError" in str(caught.value)
    assert call(SCOPES, **{"ftrack-strict-api": "true"}).status_code == 401
    assert session.query("Scope").all()


def test_a_full_disk_fails_a_batch_whole(session, shot, control):
    control.post("disk", free_bytes=0)
    made = name()
    session.create("Task", {"name": made, "parent": shot})
    shot["description"] = made
    with pytest.raises(ftrack_api.exception.ServerError):
        session.commit()
    assert session.query('TypedContext where name is "%s" or description is "%s"' % (made, made)).all() == []
    control.post("disk")
    session.commit()
    assert len(session.query('TypedContext where name is "%s" or description is "%s"' % (made, made)).all()) == 2


def test_a_disk_can_become_full_in_the_middle_of_an_upload(call, server, credentials, control):
    component, send = upload(call, b"x" * 500000)
    control.post("disk", free_bytes=100000)
    assert send().status_code == 507
    assert download(server, credentials, component).status_code == 404
    control.delete("faults")
    assert send().status_code == 200


def test_a_disk_can_become_read_only_at_a_request(session, shot, control):
    control.post("faults", action="update", fault="read_only_disk")
    shot["description"] = "first"
    with pytest.raises(ftrack_api.exception.ServerError):
        session.commit()
    assert session.query('Shot where id is "%s"' % shot["id"]).one()["name"] == "sh010"
    control.delete("faults")
    session.commit()


def test_a_wrong_clock_is_seen_in_entities_and_headers(session, other_session, shot, call, control):
    control.post("clock", skew_secs=86400 * 3)
    made = session.create("Task", {"name": "later", "parent": shot})
    session.commit()
    created = other_session.get("Task", made["id"])["created_at"]
    assert abs(created.float_timestamp - time.time() - 86400 * 3) < 60
    assert abs(seconds_ahead(call(SCOPES)) - 86400 * 3) < 60
    control.delete("faults")
    assert abs(seconds_ahead(call(SCOPES))) < 60


def test_calls_are_recorded(session, control, task):
    control.delete("requests")
    task["description"] = "recorded"
    session.commit()
    found = control.get("requests")
    assert found["count"] == 1
    (request,) = found["requests"]
    assert request["operations"] == [
        {"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "expression": None}
    ]
    assert (request["method"], request["path"], request["user"]) == ("POST", "/api", session.api_user)
    assert (request["status"], request["faults"]) == (200, [])
    assert abs(request["time"] - time.time()) < 60
    assert request["bytes_in"] > 100 and request["bytes_out"] > 100


def test_the_record_keeps_the_order_and_names_the_faults(call, control):
    control.delete("requests")
    control.post("faults", match="from Scope", nth=2, fault="close_before")
    control.post("faults", match="from Scope", count=None, fault="delay", milliseconds=1)
    call(SCOPES)
    with pytest.raises(requests.exceptions.ConnectionError):
        call(SCOPES)
    call(SCOPES)
    found = control.get("requests")["requests"]
    assert [each["faults"] for each in found] == [["delay"], ["close_before", "delay"], ["delay"]]
    assert [each["status"] for each in found] == [200, None, 200]
    numbers = [each["number"] for each in found]
    assert numbers == sorted(numbers)
    assert all(each["operations"][0]["expression"] == "select id from Scope" for each in found)


def test_the_record_holds_no_key(session, credentials, server, control):
    control.delete("requests")
    download(server, credentials, "nothing")
    (record,) = control.get("requests?path=/component")["requests"]
    assert (record["user"], record["status"]) == (session.api_user, 404)
    assert credentials["ftrack-api-key"] not in str(record)
    assert "id=nothing" in record["query"]


def test_dropped_hub_connections_end(new_session, control):
    session = new_session()
    session.event_hub.connect()
    connection = session.event_hub._connection
    connection.settimeout(10)
    assert control.post("hub", do="drop_connections")["connections"] >= 1
    # What was on its way still comes; then there is nothing, and no waiting for the deadline.
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        for _ in range(100):
            connection.recv()


def test_a_hub_that_refuses_is_a_connection_error(new_session, control):
    control.post("faults", fault="refuse_hub")
    session = new_session()
    with pytest.raises(ftrack_api.exception.EventHubConnectionError):
        session.event_hub.connect()
    session.event_hub.connect()
    assert session.event_hub.connected
    session.event_hub.disconnect()


def test_a_session_lost_between_handshake_and_socket_is_a_connection_error(new_session, control):
    control.post("faults", path="/socket.io/1/websocket/", fault="lost_session")
    with pytest.raises(ftrack_api.exception.EventHubConnectionError):
        new_session().event_hub.connect()


def test_a_hub_that_says_nothing_answers_no_event(new_session, listener, control):
    hears = listener("topic=test.silent")
    control.post("faults", fault="silent_hub")
    mute = new_session()
    mute.event_hub.connect()
    assert mute.event_hub.connected
    heard = []
    mute.event_hub.subscribe("topic=test.silent", heard.append)
    # What it publishes is read all the same, and nothing ever comes back.
    mute.event_hub.publish(ftrack_api.event.base.Event(topic="test.silent", data={"from": "mute"}))
    assert hears.wait(lambda event: event["topic"] == "test.silent")["data"] == {"from": "mute"}
    mute.event_hub.wait(0.5)
    assert heard == []
    mute.event_hub.disconnect()


def test_a_hub_that_closes_is_reconnected_to(new_session, control):
    # The greeting and the first heartbeat are the two packets.
    control.post("faults", fault="close_hub", packets=2)
    control.delete("requests")
    session = new_session()
    session.event_hub.connect()
    heard = []
    session.event_hub.subscribe("topic=test.again", heard.append)
    deadline = time.monotonic() + 30
    while not heard:
        assert time.monotonic() < deadline, "the client did not come back"
        if session.event_hub.connected:
            session.event_hub.publish(ftrack_api.event.base.Event(topic="test.again"), on_error="ignore")
        session.event_hub.wait(0.2)
    faults = [each["faults"] for each in control.get("requests?path=/socket.io/1/websocket/")["requests"]]
    assert faults[:2] == [["close_hub"], []]
    session.event_hub.disconnect()
