"""Who a request comes from: keys, headers, cookies, and the browser's hand-over of a key to a program."""

import gzip
import html
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import ftrack_api
import pytest
import requests
from conftest import name

QUERY = [{"action": "query", "expression": "select username from User where username is ada"}]


def post(server, headers, body=None, **options):
    body = json.dumps(QUERY if body is None else body)
    return requests.post(server + "/api", data=body, headers=headers, timeout=20, **options)


def refusal(server, user, key):
    """The error of a call with these credentials."""
    headers = {"ftrack-user": user, "ftrack-api-key": key}
    return post(server, {key: value for key, value in headers.items() if value is not None}).json()


@pytest.fixture()
def keys(control):
    """API keys by user."""
    return {each["user"]: each["api_key"] for each in control.get("users")["users"]}


def test_every_way_of_being_unknown_has_the_same_answer(server, keys):
    wrong = [
        refusal(server, "ada", "wrong"),
        refusal(server, "nobody", keys["ada"]),
        refusal(server, "ada", keys["dana"]),
        refusal(server, "ada", None),
        refusal(server, None, keys["ada"]),
        refusal(server, None, None),
        refusal(server, "ada", ""),
    ]
    assert {each["exception"] for each in wrong} == {"InvalidCredentialsError"}
    assert {each["error_code"] for each in wrong} == {"api_credentials_invalid"}
    assert len({each["content"] for each in wrong}) == 1
    assert "ftrack-api-key" in wrong[0]["content"]


def test_a_refusal_is_401_for_strict_clients_and_200_for_others(server):
    for strict, status in [("true", 401), ("false", 200)]:
        assert post(server, {"ftrack-user": "ada", "ftrack-api-key": "no", "ftrack-strict-api": strict}).status_code == status


@pytest.mark.parametrize("options", ["strict:1", "strict=1;denormalize=1", "denormalize:1;strict:true"])
def test_strictness_can_be_asked_for_among_the_options(server, credentials, options):
    broken = [{"action": "query", "expression": "select nonsense from Task"}]
    assert post(server, {**credentials, "ftrack-api-options": options}, broken).status_code == 400
    assert post(server, {**credentials, "ftrack-api-options": "strict:0"}, broken).status_code == 200


@pytest.mark.parametrize("options, is_full", [("denormalize:1", True), ("denormalize=1", True), ("", False)])
def test_denormalised_answers_repeat_entities(server, credentials, options, is_full):
    query = [{"action": "query", "expression": "select project.name from Sequence where project.name is harbour"}]
    rows = post(server, {**credentials, "ftrack-api-options": options}, query).json()[0]["data"]
    assert len(rows) > 1
    assert ["name" in row["project"] for row in rows] == [True] + [is_full] * (len(rows) - 1)


def test_header_names_are_taken_in_any_case(server, credentials):
    assert post(server, {key.upper(): value for key, value in credentials.items()}).json()[0]["data"][0]["username"] == "ada"


def test_a_cookie_is_given_once_and_never_asked_for(server, credentials):
    with requests.Session() as browser:
        first = browser.post(server + "/api", json=QUERY, headers=credentials, timeout=10)
        assert len(browser.cookies) == 1
        assert "HttpOnly" in first.headers["Set-Cookie"]
        second = browser.post(server + "/api", json=QUERY, headers=credentials, timeout=10)
        assert "Set-Cookie" not in second.headers
        assert second.json() == first.json()


def test_a_cookie_neither_replaces_nor_overrides_the_headers(server, credentials, keys):
    with requests.Session() as browser:
        browser.post(server + "/api", json=QUERY, headers=credentials, timeout=10)
        without = browser.post(server + "/api", json=QUERY, timeout=10)
        assert without.json()["exception"] == "InvalidCredentialsError"
        ask = [{"action": "query_server_information", "values": ["user_information"]}]
        as_dana = browser.post(server + "/api", json=ask, timeout=10, headers={"ftrack-user": "dana", "ftrack-api-key": keys["dana"]})
        assert as_dana.json()[0]["user_information"]["username"] == "dana"


def test_cookies_and_headers_of_a_session_reach_the_server(new_session, control):
    control.delete("requests")
    session = new_session(headers={"ftrack-clienttoken": "mine"}, cookies={"session": "brought"})
    session.query("Scope").first()
    assert {each["client_token"] for each in control.get("requests")["requests"]} == {"mine"}


def test_a_global_key_serves_every_active_user_and_brings_its_role(server, new_session, control):
    key = control.post("global_keys", role="Administrator")["api_key"]
    # bo may only look; the key may do more, whoever uses it.
    session = new_session(api_user="bo", api_key=key)
    made = session.create("Scope", {"name": name()})
    session.commit()
    session.delete(made)
    session.commit()
    ask = [{"action": "query_server_information", "values": ["user_information"]}]
    answer = post(server, {"ftrack-user": "bo", "ftrack-api-key": key}, ask).json()[0]["user_information"]
    assert (answer["username"], answer["is_global_access_key"]) == ("bo", True)
    for user in ("cleo", "nobody"):
        with pytest.raises(ftrack_api.exception.ServerError) as caught:
            new_session(api_user=user, api_key=key)
        assert "InvalidCredentialsError" in str(caught.value)


def test_a_key_that_expires_under_a_session_stops_it(session, new_session, control):
    dana = session.query('User where username is "dana"').one()
    key = session.reset_remote("api_key", entity=dana)["api_key"]
    hers = new_session(api_user="dana", api_key=key)
    assert hers.query("Scope").all()
    control.post("keys", user="dana", is_expired=True)
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        hers.query("Scope").all()
    assert "expired" in str(caught.value)
    control.post("keys", user="dana", is_expired=False)
    assert hers.query("Scope").all()


@pytest.mark.parametrize("change", [{"ftrack-api-key": "wrong"}, {"ftrack-user": "nobody"}, {"ftrack-api-key": ""}])
def test_the_event_hub_refuses_what_the_api_refuses(server, credentials, change):
    assert requests.get(server + "/socket.io/1/", headers={**credentials, **change}, timeout=10).status_code == 401


def test_the_event_hub_takes_credentials_from_the_address(server, credentials):
    query = {"api_user": credentials["ftrack-user"], "api_key": credentials["ftrack-api-key"]}
    answer = requests.get(server + "/socket.io/1/", params=query, timeout=10)
    assert answer.text.split(":")[3] == "websocket"


@pytest.mark.parametrize("path", ["/api", "/api/", "//api", "///api"])
def test_the_api_is_where_clients_look_for_it(server, credentials, path):
    assert requests.post(server + path, json=QUERY, headers=credentials, timeout=10).json()[0]["data"][0]["username"] == "ada"


def test_a_session_with_slashes_at_the_end_of_its_address_works(server, credentials, schema_cache):
    address = server + "///"
    session = ftrack_api.Session(address, credentials["ftrack-api-key"], credentials["ftrack-user"], schema_cache_path=schema_cache)
    assert session.server_url == server
    assert session.query("Scope").first()
    session.close()


def test_only_post_is_an_api_call(server):
    for method in ("GET", "PUT", "DELETE"):
        assert requests.request(method, server + "/api", timeout=10).status_code == 405


@pytest.mark.parametrize("path", ["/api", "/upload/x", "/component/get", "/socket.io/1/"])
def test_browsers_of_other_origins_are_answered_everywhere(server, path):
    origin = "https://studio.example"
    answer = requests.options(server + path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, timeout=10)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) >= {"GET", "POST", "PUT", "OPTIONS"}
    assert answer.headers["Vary"] == "Origin"


def test_without_an_origin_there_are_no_headers_for_browsers(call):
    assert "Access-Control-Allow-Origin" not in call(*QUERY).headers


def test_long_answers_are_compressed_for_those_who_ask(server, credentials):
    ask = [{"action": "query_schemas"}]
    plain = post(server, {**credentials, "accept-encoding": "identity"}, ask)
    assert "Content-Encoding" not in plain.headers
    packed = post(server, {**credentials, "accept-encoding": "gzip"}, ask, stream=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    raw = packed.raw.read(decode_content=False)
    assert len(raw) < len(plain.content) / 4
    assert gzip.decompress(raw) == plain.content
    assert "Content-Encoding" not in post(server, {**credentials, "accept-encoding": "gzip;q=0, identity"}, ask).headers


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b'"text"', b"{}", b'[{"action": "query"', b"\xff\xfe", b"[" * 100000], ids=lambda body: repr(body[:12])
)
def test_a_body_that_is_no_list_is_named_as_such(server, credentials, body):
    answer = requests.post(server + "/api", data=body, headers=credentials, timeout=10)
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail["loc"] == ["body"]
    assert detail["msg"].startswith("the body is not")


def test_a_large_body_is_taken_and_a_boundless_one_is_not(server, session, shot):
    text = "x" * (20 * 1024 * 1024)
    shot["description"] = text
    session.commit()
    assert session.query('select description from Shot where id is "%s"' % shot["id"]).one()["description"] == text
    answer = requests.post(server + "/api", data=b" " * (65 * 1024 * 1024), timeout=60)
    assert answer.status_code == 413


def test_an_unknown_action_has_the_phrase_that_clients_look_for(call):
    answer = call({"action": "dance"}).json()
    assert answer["content"] == "Invalid action u'dance'"


def test_an_empty_batch_has_an_empty_answer(session, call):
    assert session.call([]) == []
    assert call().json() == []


def test_a_mixed_batch_has_one_answer_each_in_order(session, shot):
    answers = session.call(
        [
            {"action": "query_server_information"},
            {"action": "create", "entity_type": "Task", "entity_data": {"name": "one", "parent_id": shot["id"]}},
            {"action": "query", "expression": 'select name from Task where parent_id is "%s"' % shot["id"]},
            {"action": "delete", "entity_type": "Task", "entity_key": ["none"]},
            {"action": "query", "expression": "select id from Scope limit 1"},
        ]
    )
    assert answers[0]["version"] == "4.13.8"
    assert [each["action"] for each in answers[1:]] == ["create", "query", "delete", "query"]
    # A query sees what the batch has made before it.
    assert [task["name"] for task in answers[2]["data"]] == ["one"]


def test_a_batch_that_fails_is_one_error_and_leaves_nothing(call, session, shot):
    made = name()
    answer = call(
        {"action": "create", "entity_type": "Task", "entity_data": {"name": made, "parent_id": shot["id"]}},
        {"action": "query", "expression": "select id from Scope"},
        {"action": "dance"},
        {"action": "create", "entity_type": "Task", "entity_data": {"name": made + "2", "parent_id": shot["id"]}},
    ).json()
    assert set(answer) == {"exception", "content", "error_code"}
    assert session.query('Task where name like "%s%%"' % made).all() == []


class Program:
    """A desktop program that waits for the browser to bring a key, as ftrack Connect does."""

    def __init__(self):
        self.brought = None
        program = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                program.brought = {key: values[0] for key, values in parse_qs(urlparse(self.path).query).items()}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"signed in")

            def log_message(self, *_):
                pass

        self.listener = HTTPServer(("localhost", 0), Handler)
        self.url = "http://localhost:%d" % self.listener.server_port
        self.thread = threading.Thread(target=self.listener.handle_request, name="program", daemon=True)
        self.thread.start()

    def close(self):
        self.listener.server_close()


def form_fields(text):
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)
    return {key: html.unescape(value) for key, value in found}


def signed_in(server, user, identifier="ftrack-connect-me@here"):
    """Goes through the page as a person with a browser does, and returns what the program is brought."""
    program = Program()
    with requests.Session() as browser:
        query = {"identifier": identifier, "redirect_url": program.url}
        page = browser.get(server + "/user/api_credentials", params=query, timeout=10)
        assert page.status_code == 200
        assert identifier in page.text and "<option>%s</option>" % user in page.text
        browser.post(page.url, data={**form_fields(page.text), "user": user}, timeout=10)
    program.thread.join(10)
    program.close()
    return program.brought


def test_a_program_is_brought_a_key_by_the_browser(server, new_session):
    brought = signed_in(server, "dana")
    assert set(brought) == {"api_user", "api_key"}
    session = new_session(api_user=brought["api_user"], api_key=brought["api_key"])
    assert session.query('User where username is "dana"').one()["id"]


def test_a_program_has_a_key_of_its_own_that_bears_its_name(server, keys, session):
    first = signed_in(server, "dana", "program@one")["api_key"]
    assert first == signed_in(server, "dana", "program@one")["api_key"]
    assert first not in (keys["dana"], signed_in(server, "dana", "program@two")["api_key"])
    found = session.query('select identifier from ApiKey where identifier is "program@one"').one()
    assert first.startswith(found["prefix"])


@pytest.mark.parametrize("url", ["https://studio.example", "http://studio.example:80", "javascript:alert(1)", ""])
def test_a_key_is_brought_to_this_machine_only(server, url):
    answer = requests.get(server + "/user/api_credentials", params={"redirect_url": url}, timeout=10)
    assert answer.status_code == 400
    page = requests.get(server + "/user/api_credentials", params={"redirect_url": "http://localhost:1"}, timeout=10)
    forged = {**form_fields(page.text), "redirect_url": url, "user": "ada"}
    assert requests.post(server + "/user/api_credentials", data=forged, timeout=10, allow_redirects=False).status_code == 400


def test_the_sign_in_form_of_another_page_is_refused(server):
    forged = {"redirect_url": "http://localhost:1", "identifier": "x", "ticket": "/user/api_credentials?expires=9999999999&signature=00", "user": "ada"}
    answer = requests.post(server + "/user/api_credentials", data=forged, timeout=10, allow_redirects=False)
    assert answer.status_code == 403


def test_a_browser_that_asked_by_another_name_must_bring_the_key(server, keys):
    address = server + "/user/api_credentials"
    elsewhere = {"Host": "sandbox.example"}
    page = requests.get(address, params={"redirect_url": "http://localhost:1"}, headers=elsewhere, timeout=10)
    assert "<option>" not in page.text
    for key, status in [("wrong", 401), (keys["dana"], 303)]:
        form = {**form_fields(page.text), "user": "dana", "api_key": key}
        answer = requests.post(address, data=form, headers=elsewhere, timeout=10, allow_redirects=False)
        assert answer.status_code == status
    assert answer.headers["Location"].startswith("http://localhost:1?api_user=dana&api_key=")
