"""The faults that the sandbox makes on request, seen through the official client."""

import ftrack_api
import pytest
import requests
from conftest import name


def test_the_control_endpoints_ask_for_their_token(server):
    assert requests.get(server + "/sandbox/requests", timeout=10).status_code == 403
    assert requests.post(server + "/sandbox/faults", json={}, headers={"sandbox-token": "no"}, timeout=10).status_code == 403


def test_a_status_lasts_for_as_many_requests_as_asked(call, control):
    control.post("faults", match="from Scope", count=2, fault="status", status=429, retry_after_secs=3)
    query = {"action": "query", "expression": "select id from Scope"}
    first = call(query)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert call(query).status_code == 429
    assert call(query).status_code == 200


def test_a_web_page_instead_of_an_answer_is_an_error(session, control):
    control.post("faults", match="from Scope", fault="html")
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.query("Scope").all()
    assert "unexpected format" in str(caught.value)


@pytest.mark.parametrize("fault, is_done", [("close_before", False), ("close_after", True)])
def test_a_closed_connection_says_nothing_of_what_was_done(call, session, shot, control, fault, is_done):
    made = name(fault)
    control.post("faults", match=made, fault=fault)
    create = {"action": "create", "entity_type": "Task", "entity_data": {"name": made, "parent_id": shot["id"]}}
    with pytest.raises(requests.exceptions.ConnectionError):
        call(create)
    assert bool(session.query('Task where name is "%s"' % made).all()) is is_done


def test_a_late_answer_is_an_answer(call, control):
    control.post("faults", match="from Scope", fault="delay", milliseconds=200)
    answer = call({"action": "query", "expression": "select id from Scope"})
    assert answer.elapsed.total_seconds() >= 0.2
    assert answer.json()[0]["action"] == "query"


def test_calls_are_recorded(session, control, task):
    control.delete("requests")
    task["description"] = "recorded"
    session.commit()
    found = control.get("requests")
    assert found["count"] == 1
    assert found["requests"][0]["operations"] == [
        {"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "expression": None}
    ]


def test_dropped_hub_connections_end(listener, control):
    hears = listener()
    assert control.post("hub", do="drop_connections")["connections"] >= 1
    assert control.post("hub", do="count")["connections"] == 0
    assert hears is not None
