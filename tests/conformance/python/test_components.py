"""Components: files, sequences and containers, and the locations that they are in."""

import os

import ftrack_api
import pytest
import requests
from conftest import name
from ftrack_api.symbol import ORIGIN_LOCATION_ID, REVIEW_LOCATION_ID, SERVER_LOCATION_ID, UNMANAGED_LOCATION_ID


@pytest.fixture()
def file(tmp_path):
    path = tmp_path / "plate.mov"
    path.write_bytes(os.urandom(1000))
    return path


@pytest.fixture()
def sequence(tmp_path):
    for frame in (1, 2, 3):
        (tmp_path / ("plate.%04d.exr" % frame)).write_bytes(b"x" * frame)
    return str(tmp_path / "plate.%04d.exr [1-3]")


@pytest.fixture()
def server_location(session):
    return session.get("Location", SERVER_LOCATION_ID)


@pytest.fixture()
def version(session, shot):
    asset = session.create("Asset", {"name": name(), "parent": shot, "type": session.query("AssetType").first()})
    made = session.create("AssetVersion", {"asset": asset})
    session.commit()
    return made


@pytest.fixture()
def disk_location(session, tmp_path, made):
    """A location of the studio's own, on a disk."""
    location = session.ensure("Location", {"name": name("disk")})
    location.accessor = ftrack_api.accessor.disk.DiskAccessor(prefix=str(tmp_path / "disk"))
    location.structure = ftrack_api.structure.standard.StandardStructure()
    location.priority = 10
    session.commit()
    made.append(location)
    return location


def test_a_file_component_says_what_its_file_is(session, file, other_session):
    component = session.create_component(str(file), location=None)
    session.commit()
    seen = other_session.get("Component", component["id"])
    assert seen.entity_type == "FileComponent"
    assert (seen["name"], seen["file_type"], seen["size"], seen["system_type"]) == ("main", ".mov", 1000, "file")
    assert (seen["version"], seen["container"]) == (None, None)


def test_a_component_belongs_to_the_version_it_was_made_on(version, file, other_session):
    component = version.create_component(str(file), data={"name": "beauty", "version_id": "ignored"}, location=None)
    version.session.commit()
    seen = other_session.get("AssetVersion", version["id"])
    assert [one["id"] for one in seen["components"]] == [component["id"]]
    assert seen["components"][0]["version"]["asset"]["name"] == version["asset"]["name"]


def test_components_go_with_their_version(session, version, file, server_location, other_session):
    component = version.create_component(str(file), location=server_location)
    url = server_location.get_url(component)
    session.delete(version)
    session.commit()
    assert other_session.query('Component where id is "%s"' % component["id"]).first() is None
    assert other_session.query('ComponentLocation where component_id is "%s"' % component["id"]).first() is None
    assert requests.get(url, timeout=10).status_code == 404


def test_a_component_keeps_metadata(session, file, other_session):
    component = session.create_component(str(file), data={"metadata": {"fps": "25"}}, location=None)
    component["metadata"]["ftr_meta"] = '{"frameIn": 0}'
    session.commit()
    assert dict(other_session.get("Component", component["id"])["metadata"]) == {"fps": "25", "ftr_meta": '{"frameIn": 0}'}


def test_a_component_is_in_the_locations_it_was_added_to(session, file, server_location, other_session):
    component = session.create_component(str(file), location=server_location)
    seen = other_session.get("FileComponent", component["id"])
    (link,) = seen["component_locations"]
    assert (link["location"]["name"], link["resource_identifier"]) == ("ftrack.server", component["id"])
    assert component["id"] in link["url"]["value"]
    availability = other_session.get_component_availability(seen)
    assert availability[SERVER_LOCATION_ID] == 100.0
    assert availability[UNMANAGED_LOCATION_ID] == 0.0
    assert component.get_availability([server_location]) == {SERVER_LOCATION_ID: 100.0}


def test_a_component_is_added_once(session, file, server_location):
    component = session.create_component(str(file), location=server_location)
    origin = session.get("Location", ORIGIN_LOCATION_ID)
    with pytest.raises(ftrack_api.exception.ComponentInLocationError):
        server_location.add_component(component, origin)


def test_a_component_that_is_not_there_has_no_address(session, file, server_location):
    component = session.create_component(str(file), location=None)
    session.commit()
    with pytest.raises(ftrack_api.exception.ComponentNotInLocationError):
        server_location.get_url(component)
    assert server_location.get_component_availability(component) == 0.0


def test_a_component_removed_from_a_location_is_still_a_component(session, file, server_location, other_session):
    component = session.create_component(str(file), location=server_location)
    server_location.remove_component(component)
    assert other_session.get("FileComponent", component["id"])["size"] == 1000
    with pytest.raises(ftrack_api.exception.ComponentNotInLocationError):
        server_location.get_resource_identifier(component)
    server_location.add_component(component, session.get("Location", ORIGIN_LOCATION_ID))
    assert requests.get(server_location.get_url(component), timeout=10).content == file.read_bytes()


def test_the_server_has_no_path_and_a_disk_has(session, file, server_location, disk_location, version):
    component = version.create_component(str(file), location=server_location)
    with pytest.raises(ftrack_api.exception.AccessorUnsupportedOperationError):
        server_location.get_filesystem_path(component)
    origin = session.get("Location", ORIGIN_LOCATION_ID)
    assert origin.get_filesystem_path(component) == str(file)
    disk_location.add_component(component, server_location)
    path = disk_location.get_filesystem_path(component)
    assert path.startswith(disk_location.accessor.prefix) and path.endswith("v001/main.mov")
    with open(path, "rb") as copy:
        assert copy.read() == file.read_bytes()
    assert session.get_component_availability(component, [server_location, disk_location]) == {
        SERVER_LOCATION_ID: 100.0, disk_location["id"]: 100.0}


def test_another_machine_finds_a_file_of_the_disk(session, file, disk_location, other_session, version):
    component = version.create_component(str(file), location=disk_location)
    theirs = other_session.get("Location", disk_location["id"])
    theirs.accessor = disk_location.accessor
    theirs.structure = disk_location.structure
    seen = other_session.get("FileComponent", component["id"])
    assert theirs.get_filesystem_path(seen) == disk_location.get_filesystem_path(component)


def test_the_nearest_location_is_picked(session, disk_location):
    assert session.pick_location()["id"] == disk_location["id"]
    disk_location.priority = 1000
    assert session.pick_location()["name"] == "ftrack.unmanaged"


def test_an_unmanaged_location_remembers_where_a_file_lies(session, file, other_session):
    unmanaged = session.get("Location", UNMANAGED_LOCATION_ID)
    component = session.create_component(str(file), location=unmanaged)
    seen = other_session.get("FileComponent", component["id"])
    assert other_session.get("Location", UNMANAGED_LOCATION_ID).get_filesystem_path(seen) == str(file)


def test_what_is_called_reviewable_goes_to_the_review_location(session, file, other_session):
    component = session.create_component(str(file), data={"name": "ftrackreview-mp4"})
    (link,) = other_session.get("FileComponent", component["id"])["component_locations"]
    assert link["location_id"] == REVIEW_LOCATION_ID


def test_a_sequence_keeps_its_members(session, sequence, other_session):
    component = session.create_component(sequence, location=None)
    session.commit()
    seen = other_session.get("SequenceComponent", component["id"])
    assert (seen["padding"], seen["size"], seen["system_type"], seen["file_type"]) == (4, 6, "sequence", ".exr")
    assert sorted(member["name"] for member in seen["members"]) == ["0001", "0002", "0003"]
    assert {member["container"]["id"] for member in seen["members"]} == {component["id"]}
    session.delete(component)
    session.commit()
    assert other_session.query('Component where container_id is "%s"' % component["id"]).all() == []


def test_a_sequence_is_uploaded_frame_by_frame(session, sequence, server_location, other_session):
    component = session.create_component(sequence, location=server_location)
    location = other_session.get("Location", SERVER_LOCATION_ID)
    seen = other_session.get("SequenceComponent", component["id"])
    sizes = {member["name"]: len(requests.get(location.get_url(member), timeout=10).content) for member in seen["members"]}
    assert sizes == {"0001": 1, "0002": 2, "0003": 3}
    assert location.get_component_availability(seen) == 100.0


def test_a_sequence_is_as_available_as_its_frames(session, sequence, server_location):
    component = session.create_component(sequence, location=None)
    session.commit()
    origin = session.get("Location", ORIGIN_LOCATION_ID)
    server_location.add_components(component["members"][:1], origin)
    assert round(server_location.get_component_availability(component), 1) == 33.3


def test_a_sequence_is_removed_with_its_frames(session, sequence, server_location):
    component = session.create_component(sequence, location=server_location)
    urls = [server_location.get_url(member) for member in component["members"]]
    server_location.remove_component(component, recursive=True)
    assert [requests.get(url, timeout=10).status_code for url in urls] == [404, 404, 404]
    assert server_location.get_component_availability(component) == 0.0


def test_a_container_holds_components_of_any_kind(session, file, sequence, server_location, other_session):
    container = session.create("ContainerComponent", {"name": "delivery"})
    film = session.create_component(str(file), data={"name": "film", "container": container}, location=None)
    frames = session.create_component(sequence, data={"name": "frames", "container": container}, location=None)
    session.commit()
    server_location.add_component(container, session.get("Location", ORIGIN_LOCATION_ID))
    seen = other_session.get("ContainerComponent", container["id"])
    assert {member["name"]: member.entity_type for member in seen["members"]} == {
        "film": "FileComponent", "frames": "SequenceComponent"}
    location = other_session.get("Location", SERVER_LOCATION_ID)
    assert location.get_component_availability(seen) == 100.0
    session.delete(container)
    session.commit()
    assert other_session.query('Component where id in (%s, %s)' % (film["id"], frames["id"])).all() == []


def test_others_hear_that_a_component_was_added_and_removed(listener, session, new_session, file):
    heard = listener("topic=ftrack.location.*")
    writer = new_session(auto_connect_event_hub=True)
    location = writer.get("Location", SERVER_LOCATION_ID)
    component = writer.create_component(str(file), location=location)
    expected = {"component_id": component["id"], "location_id": SERVER_LOCATION_ID}
    assert heard.wait(lambda e: e["topic"] == "ftrack.location.component-added" and dict(e["data"]) == expected)
    location.remove_component(component)
    assert heard.wait(lambda e: e["topic"] == "ftrack.location.component-removed" and dict(e["data"]) == expected)


def test_components_are_found_by_where_they_are(session, version, file, server_location, other_session):
    version.create_component(str(file), data={"name": "here"}, location=server_location)
    version.create_component(str(file), data={"name": "nowhere"}, location=None)
    session.commit()
    of_version = 'Component where version.id is "%s" and ' % version["id"]
    found = other_session.query(of_version + 'component_locations.location.name is "ftrack.server"').all()
    assert [one["name"] for one in found] == ["here"]
    assert len(other_session.query(of_version + 'file_type is ".mov"').all()) == 2
