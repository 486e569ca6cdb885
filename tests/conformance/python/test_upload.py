"""Uploads: whole and in parts, what is checked of them, and what is left when they fail."""

import base64
import hashlib
import os
import socket
import uuid
from urllib.parse import urlsplit

import ftrack_api
import pytest
import requests
from ftrack_api.symbol import SERVER_LOCATION_ID

# What the JavaScript client cuts files of this size into.
PART = 8 * 1024 * 1024


@pytest.fixture()
def component_id():
    return str(uuid.uuid4())


@pytest.fixture()
def begin(call, component_id):
    """Asks where to send a file, as the clients do."""

    def ask(file_name="a.mov", parts=None, **more):
        operation = {"action": "get_upload_metadata", "component_id": component_id, "file_name": file_name,
                     "file_size": 6, "parts": parts, **more}
        return call(operation).json()[0]

    return ask


@pytest.fixture()
def stored(server, credentials, component_id):
    """What the server has for the component; `None` when it has nothing."""

    def get():
        query = {"id": component_id, "username": credentials["ftrack-user"], "apiKey": credentials["ftrack-api-key"]}
        answer = requests.get(server + "/component/get", params=query, timeout=60)
        return answer.content if answer.status_code == 200 else None

    return get


@pytest.fixture()
def complete(call, component_id):
    def ask(upload_id, parts):
        operation = {"action": "complete_multipart_upload", "upload_id": upload_id, "component_id": component_id,
                     "parts": [{"part_number": number, "e_tag": tag} for number, tag in parts]}
        return call(operation).json()

    return ask


def put(url, data, **headers):
    return requests.put(url, data=data, headers=headers, timeout=60)


def tag(data):
    return hashlib.md5(data).hexdigest()


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


@pytest.mark.parametrize(
    "file_name, media_type",
    [("a.mov", "video/quicktime"), ("a.b.MP4", "video/mp4"), ("a.png", "image/png"), ("a.exr", "image/x-exr"),
     ("a.pdf", "application/pdf"), ("script", "application/octet-stream"), ("a.nk", "application/octet-stream")],
)
def test_the_headers_say_what_the_file_is(begin, component_id, file_name, media_type):
    asked = begin(file_name)
    assert sorted(asked) == ["component_id", "headers", "url"]
    assert asked["component_id"] == component_id
    assert asked["headers"] == {
        "Content-Type": media_type, "Content-Disposition": 'attachment; filename="%s"' % file_name}


def test_a_name_cannot_break_out_of_its_header(begin):
    disposition = begin('a"b\r\nSet-Cookie: c\\.mov')["headers"]["Content-Disposition"]
    assert disposition == 'attachment; filename="abSet-Cookie: c.mov"'


def test_a_whole_file_is_tagged_by_its_md5(begin, stored):
    asked = begin(checksum=md5(b"abcdef"))
    answer = put(asked["url"], b"abcdef", **asked["headers"])
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"%s"' % tag(b"abcdef"))
    assert stored() == b"abcdef"


def test_a_whole_file_may_be_sent_again(begin, stored):
    asked = begin()
    put(asked["url"], b"first").raise_for_status()
    put(asked["url"], b"second").raise_for_status()
    assert stored() == b"second"


def test_what_arrives_damaged_is_refused_and_keeps_what_was_there(begin, stored):
    put(begin()["url"], b"sound").raise_for_status()
    asked = begin(checksum=md5(b"other"))
    answer = put(asked["url"], b"abc", **asked["headers"])
    assert answer.status_code == 400
    assert "checksum" in answer.text
    assert stored() == b"sound"


@pytest.mark.parametrize("given, status", [(md5(b"abc"), 200), (md5(b"abd"), 400), ("no base64!", 400), ("YWJj", 400)])
def test_a_content_md5_is_checked(begin, stored, given, status):
    answer = put(begin()["url"], b"abc", **{"Content-MD5": given})
    assert answer.status_code == status
    assert stored() == (b"abc" if status == 200 else None)


def test_a_content_md5_of_a_part_is_checked(begin):
    url = begin(parts=2)["urls"][0]["signed_url"]
    assert put(url, b"abc", **{"Content-MD5": md5(b"x")}).status_code == 400
    assert put(url, b"abc", **{"Content-MD5": md5(b"abc")}).status_code == 200


def test_a_checksum_that_is_none_is_refused(call, component_id):
    answer = call({"action": "get_upload_metadata", "component_id": component_id, "file_name": "a.mov",
                   "file_size": 6, "checksum": "nonsense", "parts": None}).json()
    assert (answer["exception"], "MD5" in answer["content"]) == ("ValidationError", True)


def test_an_empty_file_is_a_file(begin, stored):
    put(begin(checksum=md5(b""))["url"], b"").raise_for_status()
    assert stored() == b""


def test_a_file_that_breaks_off_is_not_kept(begin, stored):
    url = urlsplit(begin()["url"])
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        head = "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\n" % (url.path, url.netloc)
        connection.sendall(head.encode() + b"half")
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in connection.recv(1000)
    assert stored() is None


def test_parts_come_in_any_order_and_become_the_file(begin, complete, stored, server, component_id):
    data = os.urandom(2 * PART + 12345)
    asked = begin(parts=3)
    assert sorted(asked) == ["component_id", "upload_id", "urls"]
    assert [url["part_number"] for url in asked["urls"]] == [1, 2, 3]
    tags = []
    for url in reversed(asked["urls"]):
        number = url["part_number"]
        answer = put(url["signed_url"], data[(number - 1) * PART:number * PART], Origin="http://studio.example")
        assert answer.status_code == 200
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        tags.append((number, answer.headers["ETag"].strip('"')))
    done = complete(asked["upload_id"], tags)[0]
    assert done == {"action": "complete_multipart_upload", "component_id": component_id,
                    "url": "%s/component/get?id=%s" % (server, component_id)}
    assert tag(stored()) == tag(data)


def test_the_parts_are_nothing_until_they_are_put_together(begin, stored):
    for url in begin(parts=2)["urls"]:
        put(url["signed_url"], b"part").raise_for_status()
    assert stored() is None


def test_a_part_that_is_sent_again_takes_the_place_of_the_first(begin, complete, stored):
    asked = begin(parts=2)
    first, second = (url["signed_url"] for url in asked["urls"])
    for url, data in [(first, b"old"), (second, b"def"), (first, b"abc")]:
        put(url, data).raise_for_status()
    refused = complete(asked["upload_id"], [(1, tag(b"old")), (2, tag(b"def"))])
    assert (refused["exception"], "part 1" in refused["content"]) == ("ValidationError", True)
    complete(asked["upload_id"], [(1, tag(b"abc")), (2, tag(b"def"))])
    assert stored() == b"abcdef"


def test_every_part_has_to_be_listed(begin, complete, stored):
    asked = begin(parts=2)
    for url in asked["urls"]:
        put(url["signed_url"], b"abc").raise_for_status()
    assert "part 2" in complete(asked["upload_id"], [(1, tag(b"abc"))])["content"]
    assert stored() is None


def test_quotes_around_a_tag_do_no_harm(begin, complete, stored):
    asked = begin(parts=1)
    answer = put(asked["urls"][0]["signed_url"], b"abc")
    complete(asked["upload_id"], [(1, answer.headers["ETag"])])
    assert stored() == b"abc"


def test_an_upload_may_be_completed_again_when_the_answer_was_lost(begin, complete, stored):
    asked = begin(parts=1)
    put(asked["urls"][0]["signed_url"], b"abc").raise_for_status()
    first = complete(asked["upload_id"], [(1, tag(b"abc"))])
    assert complete(asked["upload_id"], [(1, tag(b"abc"))]) == first
    assert put(asked["urls"][0]["signed_url"], b"late").status_code == 404
    assert stored() == b"abc"


@pytest.mark.parametrize("parts", [0, -1, 10001, 1.5, "2", [], True])
def test_a_number_of_parts_that_is_none_is_refused(call, component_id, parts):
    answer = call({"action": "get_upload_metadata", "component_id": component_id, "file_name": "a.mov",
                   "file_size": 6, "parts": parts}).json()
    assert (answer["exception"], "parts" in answer["content"]) == ("ValidationError", True)


def test_a_part_outside_of_the_upload_is_unknown(begin):
    url = begin(parts=2)["urls"][0]["signed_url"].rsplit("/", 1)[0]
    assert [put("%s/%d" % (url, part), b"x").status_code for part in (0, 3)] == [404, 404]
    assert put(url, b"x").status_code == 404


def test_an_unknown_upload_is_refused(server, complete):
    assert put(server + "/upload/unknown", b"abc").status_code == 404
    assert put(server + "/upload/unknown/1", b"abc").status_code == 404
    assert complete("unknown", [(1, "x")])["content"] == "there is no such upload"


def test_an_address_expires(begin, complete, control):
    whole, parted = begin(), begin(parts=1)
    put(parted["urls"][0]["signed_url"], b"abc").raise_for_status()
    control.post("clock", skew_secs=25 * 3600)
    try:
        late = put(whole["url"], b"abc")
        assert (late.status_code, "expired" in late.text) == (403, True)
        assert "expired" in complete(parted["upload_id"], [(1, tag(b"abc"))])["content"]
    finally:
        control.post("clock", skew_secs=0)


def test_an_id_cannot_lead_out_of_the_folder(call):
    answer = call({"action": "get_upload_metadata", "component_id": "../../secret", "file_name": "a", "parts": None})
    assert answer.json()["exception"] == "ValidationError"


def test_who_may_only_look_may_not_upload(read_only_session, component_id, begin, complete):
    with pytest.raises(ftrack_api.exception.ServerError, match="not permitted to upload"):
        read_only_session.get_upload_metadata(component_id, "a.mov", 3, "AAAAAAAAAAAAAAAAAAAAAA==")
    asked = begin(parts=1)
    put(asked["urls"][0]["signed_url"], b"abc").raise_for_status()
    operation = {"action": "complete_multipart_upload", "upload_id": asked["upload_id"], "component_id": component_id,
                 "parts": [{"part_number": 1, "e_tag": tag(b"abc")}]}
    with pytest.raises(ftrack_api.exception.ServerError, match="not permitted to upload"):
        read_only_session.call([operation])


def test_older_clients_ask_by_address(server, credentials, component_id, stored):
    query = {"id": component_id, "username": credentials["ftrack-user"], "apiKey": credentials["ftrack-api-key"],
             "checksum": md5(b"abc"), "fileName": "a.jpg", "fileSize": 3}
    asked = requests.get(server + "/component/getPutMetadata", params=query, timeout=10).json()
    assert asked["headers"]["Content-Type"] == "image/jpeg"
    put(asked["url"], b"abc", **asked["headers"]).raise_for_status()
    assert stored() == b"abc"


def test_a_full_disk_is_told_and_leaves_nothing(session, control, tmp_path, other_session):
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(300_000))
    location = session.get("Location", SERVER_LOCATION_ID)
    control.post("faults", path="/upload/", fault="full_disk", bytes=100_000)
    with pytest.raises(ftrack_api.exception.LocationError, match="507"):
        session.create_component(str(path), location=location)
    control.delete("faults")
    session.rollback()
    component = session.create_component(str(path), location=location)
    assert other_session.get("FileComponent", component["id"])["size"] == 300_000
    assert requests.get(location.get_url(component), timeout=10).content == path.read_bytes()


def test_no_room_for_a_part_keeps_the_others(begin, complete, stored, control):
    asked = begin(parts=2)
    first, second = (url["signed_url"] for url in asked["urls"])
    data = os.urandom(100_000)
    put(first, data).raise_for_status()
    control.post("disk", free_bytes=50_000)
    assert put(second, data).status_code == 507
    assert stored() is None
    control.post("disk")
    put(second, data).raise_for_status()
    complete(asked["upload_id"], [(1, tag(data)), (2, tag(data))])
    assert stored() == data + data
