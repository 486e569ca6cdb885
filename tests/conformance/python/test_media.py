"""Files: uploaded to the server's location, read back, shown and removed."""

from urllib.parse import urljoin, urlsplit

import ftrack_api
import pytest
import requests
from ftrack_api.symbol import SERVER_LOCATION_ID


@pytest.fixture()
def picture(tmp_path):
    path = tmp_path / "frame \"one\".png"
    path.write_bytes(b"\x89PNG not really" * 1000)
    return path


@pytest.fixture()
def location(session):
    return session.get("Location", SERVER_LOCATION_ID)


def test_a_file_goes_to_the_server_and_comes_back(session, picture, location):
    component = session.create_component(str(picture), location=location)
    file = location.accessor.open(location.get_resource_identifier(component), "rb")
    assert file.read() == picture.read_bytes()
    file.close()
    assert requests.get(location.get_url(component), timeout=10).content == picture.read_bytes()
    assert location.get_component_availability(component) == 100.0
    session.delete(component)
    session.commit()


def test_a_file_that_is_removed_cannot_be_read(session, picture, location):
    component = session.create_component(str(picture), location=location)
    url = location.get_url(component)
    location.remove_component(component)
    assert requests.get(url, timeout=10).status_code == 404


def test_a_file_goes_with_its_component(session, picture, location):
    component = session.create_component(str(picture), location=location)
    url = location.get_url(component)
    assert requests.get(url, timeout=10).status_code == 200
    session.delete(component)
    session.commit()
    assert requests.get(url, timeout=10).status_code == 404


def test_files_are_for_those_who_may_see_them(server, session, picture, location):
    component = session.create_component(str(picture), location=location)
    for query in ({"username": "ada", "apiKey": "wrong"}, {"username": "nobody", "apiKey": session.api_key}, {}):
        for page in ("get", "thumbnail", "remove"):
            answer = requests.get("%s/component/%s" % (server, page), params={"id": component["id"], **query}, timeout=10)
            assert answer.status_code == 401


def test_who_may_only_look_reads_and_does_not_remove(read_only_session, session, picture, location):
    component = session.create_component(str(picture), location=location)
    theirs = read_only_session.get("Location", SERVER_LOCATION_ID)
    seen = read_only_session.get("FileComponent", component["id"])
    assert requests.get(theirs.get_url(seen), timeout=10).content == picture.read_bytes()
    with pytest.raises(ftrack_api.exception.AccessorOperationFailedError, match="403"):
        theirs.accessor.remove(component["id"])
    assert requests.get(location.get_url(component), timeout=10).status_code == 200


@pytest.fixture()
def served(session, tmp_path, location):
    """A film's address, and its bytes."""
    data = bytes(range(256)) * 400
    path = tmp_path / "take 1.mov"
    path.write_bytes(data)
    component = session.create_component(str(path), data={"name": "take 1"}, location=location)
    return location.get_url(component), data


def test_a_reader_is_sent_on_to_an_address_without_credentials(served, server, session):
    url, data = served
    answer = requests.get(url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    target = urljoin(url, answer.headers["Location"])
    assert target.startswith(server) and session.api_key not in target
    assert requests.get(target, timeout=10).content == data


def test_an_address_cannot_be_changed_to_another(served, session, picture, location):
    url, _ = served
    target = urljoin(url, requests.get(url, allow_redirects=False, timeout=10).headers["Location"])
    other = session.create_component(str(picture), location=location)
    parts = urlsplit(target)
    assert requests.get(target.replace(parts.path, "/media/" + other["id"]), timeout=10).status_code == 403
    assert requests.get(target.replace("expires=1", "expires=2"), timeout=10).status_code == 403
    assert requests.get(target[:-2] + "00", timeout=10).status_code == 403
    assert requests.get(target.split("?")[0], timeout=10).status_code == 400


def test_an_address_expires(served, control):
    url, data = served
    target = urljoin(url, requests.get(url, allow_redirects=False, timeout=10).headers["Location"])
    control.post("clock", skew_secs=3 * 3600)
    try:
        assert requests.get(target, timeout=10).status_code == 403
        assert requests.get(url, timeout=10).content == data
    finally:
        control.post("clock", skew_secs=0)


@pytest.mark.parametrize(
    "asked, first, last",
    [("bytes=0-", 0, 102399), ("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=102000-999999", 102000, 102399),
     ("bytes=-100", 102300, 102399), ("bytes=-999999", 0, 102399)],
)
def test_a_player_gets_the_range_it_asks_for(served, asked, first, last):
    url, data = served
    answer = requests.get(url, headers={"Range": asked}, timeout=10)
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == "bytes %d-%d/%d" % (first, last, len(data))
    assert int(answer.headers["Content-Length"]) == last - first + 1
    assert answer.content == data[first:last + 1]


@pytest.mark.parametrize("asked", ["bytes=102400-", "bytes=999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(served, asked):
    url, data = served
    answer = requests.get(url, headers={"Range": asked}, timeout=10)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */%d" % len(data))


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=0-1,5-6", "lines=1-2", "bytes", "bytes=a-b"])
def test_a_range_that_is_none_gets_the_whole(served, asked):
    url, data = served
    answer = requests.get(url, headers={"Range": asked}, timeout=10)
    assert (answer.status_code, len(answer.content)) == (200, len(data))


def test_a_file_says_what_it_is_and_how_it_is_called(served):
    url, data = served
    answer = requests.get(url, timeout=10)
    assert answer.headers["Content-Type"] == "video/quicktime"
    assert answer.headers["Content-Disposition"] == 'inline; filename="take 1.mov"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert int(answer.headers["Content-Length"]) == len(data)


def test_only_the_headers_come_to_who_asks_for_them(served):
    url, data = served
    answer = requests.head(url, allow_redirects=True, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(data)


def test_what_a_browser_has_is_not_sent_again(served):
    url, data = served
    tag = requests.get(url, timeout=10).headers["ETag"]
    again = requests.get(url, headers={"If-None-Match": tag}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")
    same = requests.get(url, headers={"Range": "bytes=0-9", "If-Range": tag}, timeout=10)
    assert (same.status_code, same.content) == (206, data[:10])
    other = requests.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'}, timeout=10)
    assert (other.status_code, len(other.content)) == (200, len(data))


def test_a_page_of_another_origin_may_read_what_it_is_sent_on_to(served):
    url, data = served
    answer = requests.get(url, headers={"Origin": "http://studio.example"}, timeout=10)
    assert answer.headers["Access-Control-Allow-Origin"] == "http://studio.example"
    assert answer.content == data


def test_a_component_without_a_file_is_not_found(session, picture, server, credentials):
    component = session.create_component(str(picture), location=None)
    session.commit()
    for component_id in (component["id"], "unknown", "", "../state", "incoming"):
        query = {"id": component_id, "username": credentials["ftrack-user"], "apiKey": credentials["ftrack-api-key"]}
        for page in ("get", "thumbnail"):
            assert requests.get("%s/component/%s" % (server, page), params=query, timeout=10).status_code == 404


def test_a_file_that_is_gone_cannot_be_opened(session, picture, location):
    component = session.create_component(str(picture), location=location)
    location.accessor.remove(component["id"])
    with pytest.raises(ftrack_api.exception.AccessorOperationFailedError, match="404"):
        location.accessor.open(component["id"], "rb").read()
    # The server keeps no list of what it never had, so this is no error.
    location.accessor.remove(component["id"])


def test_a_review_is_shared_by_an_address(session, project, call):
    review = session.create("ReviewSession", {"name": "Dailies <1>", "project": project})
    session.commit()
    operation = {"action": "generate_signed_url", "entity_type": "ReviewSession", "entity_key": review["id"], "metadata": {}}
    url = session.call([operation])[0]["signed_url"]
    page = requests.get(url, timeout=10)
    assert page.status_code == 200
    assert "Dailies &lt;1&gt;" in page.text
    assert session.api_key not in url + page.text
    invitee = session.create("ReviewSessionInvitee", {"name": "Client", "email": "c@example.com", "review_session": review})
    session.commit()
    invited = {**operation, "entity_type": "ReviewSessionInvitee", "entity_key": invitee["id"]}
    assert requests.get(session.call([invited])[0]["signed_url"], timeout=10).text == page.text
    assert requests.get(url[:-2] + "00", timeout=10).status_code == 403
    operation["entity_key"] = "unknown"
    assert call(operation).json()["exception"] == "ValidationError"
    operation.update(entity_type="Task", entity_key=project["id"])
    assert "Task" in call(operation).json()["content"]
