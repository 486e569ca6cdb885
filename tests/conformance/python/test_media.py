"""Files: uploaded to the server's location, read back, shown and removed."""

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


def test_a_thumbnail_is_set_shown_and_cleared(session, task, picture, other_session):
    component = task.create_thumbnail(str(picture))
    seen = other_session.get("Task", task["id"])
    assert seen["thumbnail_id"] == component["id"]
    assert seen["thumbnail"]["name"] == "thumbnail"
    assert component["id"] in seen["thumbnail_url"]["value"]
    url = session.get("Location", SERVER_LOCATION_ID).get_thumbnail_url(component, size=100)
    assert requests.get(url, timeout=10).status_code == 200
    task["thumbnail"] = None
    session.commit()
    assert session.query("select thumbnail_url from Task where id is %s" % task["id"]).one()["thumbnail_url"] is None


def test_a_file_that_is_removed_cannot_be_read(session, picture, location):
    component = session.create_component(str(picture), location=location)
    url = location.get_url(component)
    location.remove_component(component)
    assert requests.get(url, timeout=10).status_code == 404


def test_what_arrives_damaged_is_refused(call):
    asked = call({"action": "get_upload_metadata", "component_id": "damaged-1", "file_name": "a.mov", "file_size": 3,
                  "checksum": "AAAAAAAAAAAAAAAAAAAAAA==", "parts": None}).json()[0]
    assert asked["headers"]["Content-Type"] == "video/quicktime"
    answer = requests.put(asked["url"], data=b"abc", headers=asked["headers"], timeout=10)
    assert answer.status_code == 400
    assert "checksum" in answer.text


def test_parts_may_come_in_any_order(call, server, credentials):
    asked = call({"action": "get_upload_metadata", "component_id": "parts-1", "file_name": "a.mov", "file_size": 6,
                  "parts": 2}).json()[0]
    assert [url["part_number"] for url in asked["urls"]] == [1, 2]
    tags = []
    for url, data in reversed(list(zip(asked["urls"], [b"abc", b"def"]))):
        answer = requests.put(url["signed_url"], data=data, headers={"Origin": "http://studio.example"}, timeout=10)
        assert answer.status_code == 200
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        tags.append({"part_number": url["part_number"], "e_tag": answer.headers["ETag"].strip('"')})
    done = call({"action": "complete_multipart_upload", "upload_id": asked["upload_id"], "component_id": "parts-1",
                 "parts": tags}).json()[0]
    assert done["component_id"] == "parts-1"
    query = {"id": "parts-1", "username": credentials["ftrack-user"], "apiKey": credentials["ftrack-api-key"]}
    assert requests.get(server + "/component/get", params=query, timeout=10).content == b"abcdef"


def test_files_are_for_those_who_may_see_them(server):
    query = {"id": "parts-1", "username": "ada", "apiKey": "wrong"}
    assert requests.get(server + "/component/get", params=query, timeout=10).status_code == 401


def test_a_sequence_keeps_its_members(session, tmp_path, other_session):
    for frame in (1, 2, 3):
        (tmp_path / ("plate.%04d.exr" % frame)).write_bytes(b"x" * frame)
    component = session.create_component(str(tmp_path / "plate.%04d.exr [1-3]"), location=None)
    session.commit()
    seen = other_session.get("SequenceComponent", component["id"])
    assert (seen["padding"], seen["size"], seen["system_type"]) == (4, 6, "sequence")
    assert sorted(member["name"] for member in seen["members"]) == ["0001", "0002", "0003"]
    session.delete(component)
    session.commit()
    assert other_session.query('Component where container_id is "%s"' % component["id"]).all() == []
