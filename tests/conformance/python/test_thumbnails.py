"""Small pictures: how large they are, what they are made of, and whom they show."""

import clips
import pytest
import requests
from ftrack_api.symbol import SERVER_LOCATION_ID


@pytest.fixture()
def location(session):
    return session.get("Location", SERVER_LOCATION_ID)


@pytest.fixture()
def shown(session, location):
    """The address of the small picture of a file."""

    def put(path, size=None):
        component = session.create_component(str(path), location=location)
        return location.get_thumbnail_url(component, size=size)

    return put


def size_of(url):
    video = clips.probe(url)[0]["video"]
    return video["width"], video["height"]


@pytest.mark.parametrize(
    "picture, size, expected",
    [("640x360", 100, (100, 56)), ("360x640", 100, (56, 100)), ("640x640", 100, (100, 100)), ("640x360", 300, (300, 168)),
     ("64x32", 300, (64, 32)), ("4000x100", 200, (200, 5))],
)
def test_a_picture_fits_into_the_size_and_keeps_its_shape(shown, tmp_path, picture, size, expected):
    url = shown(clips.still(tmp_path / "a.png", size=picture), size)
    assert size_of(url) == expected
    assert requests.get(url, timeout=10).headers["Content-Type"] == "image/jpeg"


def test_without_a_size_it_is_as_large_as_in_a_list(shown, tmp_path):
    assert size_of(shown(clips.still(tmp_path / "a.jpg", size="640x360"))) == (300, 168)


def test_a_film_shows_a_picture_of_it(shown, tmp_path):
    url = shown(clips.film(tmp_path / "a.mov", frames=5), 160)
    assert size_of(url) == (160, 90)


@pytest.mark.parametrize("ending", ["tif", "exr", "bmp", "webp", "gif"])
def test_pictures_that_no_browser_shows_are_shown(shown, tmp_path, ending):
    more = ["-pix_fmt", "gbrpf32le"] if ending == "exr" else []
    url = shown(clips.still(tmp_path / ("a." + ending), size="200x100", more=more), 100)
    assert size_of(url) == (100, 50)


def test_what_can_be_seen_through_is_shown_before_black(shown, tmp_path):
    path = clips.still(tmp_path / "a.png", color="white", more=["-vf", "format=rgba,colorchannelmixer=aa=0"])
    seen = clips.ffmpeg(tmp_path / "seen.gray", "-i", shown(path, 50), "-f", "rawvideo", "-pix_fmt", "gray")
    with open(seen, "rb") as file:
        assert max(file.read()) < 16


def test_what_has_no_picture_shows_the_one_of_the_server(shown, tmp_path, server):
    path = tmp_path / "notes.txt"
    path.write_text("nothing to see")
    answer = requests.get(shown(path, 100), timeout=30)
    assert answer.url == server + "/img/thumbnail2.png"
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("size", ["0", "-1", "large", "1.5"])
def test_a_size_that_is_none_is_refused(shown, tmp_path, size):
    url = shown(clips.still(tmp_path / "a.png"))
    assert requests.get(url + "&size=" + size, timeout=10).status_code == 400


def test_another_file_has_another_picture(session, location, tmp_path, call):
    component = session.create_component(clips.still(tmp_path / "a.png", size="200x100"), location=location)
    url = location.get_thumbnail_url(component, size=100)
    assert size_of(url) == (100, 50)
    asked = call({"action": "get_upload_metadata", "component_id": component["id"], "file_name": "b.png", "parts": None})
    with open(clips.still(tmp_path / "b.png", size="100x200"), "rb") as file:
        requests.put(asked.json()[0]["url"], data=file, timeout=10).raise_for_status()
    assert size_of(url) == (50, 100)


def test_a_picture_is_made_once(shown, tmp_path):
    url = shown(clips.still(tmp_path / "a.png", size="200x100"), 100)
    first, second = (requests.get(url, timeout=10) for _ in range(2))
    assert first.headers["ETag"] == second.headers["ETag"]


def test_a_thumbnail_is_set_shown_and_cleared(session, task, tmp_path, other_session):
    component = task.create_thumbnail(clips.still(tmp_path / "a.png", size="200x100"))
    seen = other_session.get("Task", task["id"])
    assert seen["thumbnail_id"] == component["id"]
    assert (seen["thumbnail"]["name"], seen["thumbnail"]["file_type"]) == ("thumbnail", ".png")
    assert component["id"] in seen["thumbnail_url"]["value"]
    url = session.get("Location", SERVER_LOCATION_ID).get_thumbnail_url(component, size=100)
    assert size_of(url) == (100, 50)
    task["thumbnail"] = None
    session.commit()
    assert session.query("select thumbnail_url from Task where id is %s" % task["id"]).one()["thumbnail_url"] is None


@pytest.mark.parametrize("kind", ["Project", "Shot", "AssetVersion", "User"])
def test_whatever_has_a_thumbnail_can_be_given_one(session, project, shot, user, tmp_path, other_session, kind):
    if kind == "AssetVersion":
        asset = session.create("Asset", {"name": "a", "parent": shot, "type": session.query("AssetType").first()})
        owner = session.create("AssetVersion", {"asset": asset})
        session.commit()
    else:
        owner = {"Project": project, "Shot": shot, "User": user}[kind]
    component = owner.create_thumbnail(clips.still(tmp_path / "a.png"), data={"name": "face"})
    seen = other_session.get(kind, owner["id"])
    assert (seen["thumbnail_id"], seen["thumbnail"]["name"]) == (component["id"], "face")
    owner["thumbnail_id"] = None
    session.commit()


def test_a_thumbnail_that_is_deleted_is_shown_no_more(session, task, tmp_path, other_session):
    component = task.create_thumbnail(clips.still(tmp_path / "a.png"))
    session.delete(component)
    session.commit()
    assert other_session.get("Task", task["id"])["thumbnail_id"] is None
