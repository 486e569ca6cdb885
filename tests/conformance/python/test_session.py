"""Starting a session, and what goes wrong with it."""

import hashlib
import json
import os

import ftrack_api
import pytest
import requests


def test_a_session_knows_the_server_and_its_types(session):
    assert session.server_information["version"] == "4.13.8"
    assert session.server_information["storage_scenario"]["scenario"] == "ftrack.automatic"
    for kind in ("Task", "Shot", "Sequence", "Episode", "Folder", "AssetBuild", "Milestone", "AssetVersion", "User"):
        assert kind in session.types


def test_the_schema_hash_is_the_one_the_client_computes_from_its_cache(session, schema_cache):
    with open(os.path.join(schema_cache, "ftrack_api_schema_cache.json")) as file:
        schemas = json.load(file)
    computed = hashlib.md5(json.dumps(schemas, sort_keys=True).encode()).hexdigest()
    assert computed == session.server_information["schema_hash"]


def test_schemas_are_not_fetched_again_while_they_are_the_same(new_session, session, control):
    control.delete("requests")
    new_session()
    actions = [each["action"] for request in control.get("requests")["requests"] for each in request["operations"]]
    assert actions == ["query_server_information"]


def test_a_wrong_key_is_refused_in_the_servers_words(new_session):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        new_session(api_key="wrong")
    assert "InvalidCredentialsError" in str(caught.value)


def test_an_unknown_user_is_refused(new_session):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        new_session(api_user="nobody")
    assert "InvalidCredentialsError" in str(caught.value)


def test_a_disabled_user_is_refused_even_with_the_right_key(session, new_session):
    user = session.query('User where username is "cleo"').one()
    assert user["is_active"] is False
    key = session.reset_remote("api_key", entity=user)["api_key"]
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        new_session(api_user="cleo", api_key=key)
    assert "disabled" in str(caught.value)


def test_resetting_a_key_gives_a_new_one_each_time_and_voids_the_old(session, new_session):
    user = session.query('User where username is "dana"').one()
    first = session.reset_remote("api_key", entity=user)["api_key"]
    second = session.reset_remote("api_key", entity=user)["api_key"]
    assert first != second
    new_session(api_user="dana", api_key=second)
    with pytest.raises(ftrack_api.exception.ServerError):
        new_session(api_user="dana", api_key=first)


def test_an_expired_key_is_named_as_such(session, new_session, control):
    user = session.query('User where username is "dana"').one()
    key = session.reset_remote("api_key", entity=user)["api_key"]
    control.post("keys", user="dana", is_expired=True)
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        new_session(api_user="dana", api_key=key)
    assert "expired" in str(caught.value)
    control.post("keys", user="dana", is_expired=False)


def test_the_front_page_is_recognised_as_an_ftrack_server(server):
    answer = requests.get(server, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["FTRACK_VERSION"] == "4.13.8"
    assert "<title>Callboard sandbox</title>" in answer.text


def test_an_address_that_ends_in_a_slash_works(server, credentials):
    answer = requests.post(server + "//api", json=[], headers=credentials, timeout=10)
    assert answer.json() == []


def test_a_browser_of_another_origin_may_call(server):
    answer = requests.options(server + "/api", headers={"Origin": "http://studio.example"}, timeout=10)
    assert answer.headers["Access-Control-Allow-Origin"] == "http://studio.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    for header in ("ftrack-user", "ftrack-api-key", "ftrack-clienttoken", "ftrack-pushtoken", "ftrack-api-options"):
        assert header in answer.headers["Access-Control-Allow-Headers"]


def test_errors_have_status_200_unless_the_client_is_strict(call):
    broken = {"action": "query", "expression": "select nonsense from Task"}
    assert call(broken).status_code == 200
    strict = call(broken, **{"ftrack-strict-api": "true"})
    assert strict.status_code == 400
    assert strict.json()["exception"] == "ValidationError"
