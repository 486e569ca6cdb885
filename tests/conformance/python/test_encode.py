"""Encoding: what becomes of a film, a still, and what is neither, and what the job says of it."""

import html
import json
import time

import clips
import ftrack_api
import pytest
import requests
from conftest import Listener, name
from ftrack_api.symbol import SERVER_LOCATION_ID

# How long the server may take for one of these short clips, on a busy machine.
DONE_WITHIN = 120


@pytest.fixture()
def version(session, task):
    kind = session.query("AssetType").first()
    asset = session.create("Asset", {"name": name("film"), "parent": task["parent"], "type": kind})
    made = session.create("AssetVersion", {"asset": asset, "task": task})
    session.commit()
    return made


@pytest.fixture(scope="module")
def updates(new_session):
    heard = Listener(new_session())
    heard.listen("topic=ftrack.update")
    yield heard.start()
    heard.stop()


@pytest.fixture()
def ended(new_session, updates):
    """Waits until a job has ended and returns it as a client sees it that knows nothing yet."""

    def is_end(event, job):
        entities = event["data"].get("entities", []) if event["topic"] == "ftrack.update" else []
        changes = [entity["changes"] for entity in entities if entity["entityId"] == job["id"]]
        return any(change.get("status", {}).get("new") in ("done", "failed") for change in changes)

    def wait(job):
        updates.wait(lambda event: is_end(event, job), DONE_WITHIN)
        return new_session().get("Job", job["id"])

    return wait


def components(job):
    return {link["component"]["name"]: link["component"] for link in job["job_components"]}


def meta(component):
    return json.loads(component["metadata"]["ftr_meta"])


def address(component):
    return component.session.get("Location", SERVER_LOCATION_ID).get_url(component)


def test_the_outputs_are_known_before_they_are_made(session, version, tmp_path):
    job = version.encode_media(clips.film(tmp_path / "a.mov"))
    data = json.loads(job["data"])
    assert [output["format"] for output in data["output"]] == ["video/mp4", "image/jpeg"]
    assert data["keep_original"] is False
    first = session.get("FileComponent", data["output"][0]["component_id"])
    assert (first["name"], first["file_type"]) == ("ftrackreview-mp4", ".mp4")
    assert first["version_id"] == version["id"]
    assert job["user"]["username"] == session.api_user


@pytest.mark.parametrize(
    "rate, shown, frames", [("25", 25, 30), ("24000/1001", 23.976, 48), ("30000/1001", 29.97, 31), ("50", 50, 20)]
)
def test_a_film_keeps_its_frames_and_its_rate(version, ended, tmp_path, rate, shown, frames):
    job = ended(version.encode_media(clips.film(tmp_path / "a.mov", rate=rate, frames=frames)))
    assert job["status"] == "done"
    film = components(job)["ftrackreview-mp4"]
    assert meta(film) == {"frameIn": 0, "frameOut": frames - 1, "frameRate": shown, "height": 180, "width": 320}
    streams, _ = clips.probe(address(film))
    assert int(streams["video"]["nb_read_frames"]) == frames
    numerator, denominator = (int(part) for part in streams["video"]["avg_frame_rate"].split("/"))
    assert abs(numerator / denominator - shown) < 0.01
    assert abs(float(streams["video"]["duration"]) - frames / shown) < 0.01


def test_a_film_plays_in_any_browser(version, ended, tmp_path):
    job = ended(version.encode_media(clips.film(tmp_path / "a.mov", codec="prores_ks", pixels="yuv422p10le")))
    url = address(components(job)["ftrackreview-mp4"])
    video = clips.probe(url)[0]["video"]
    assert (video["codec_name"], video["pix_fmt"], video["codec_tag_string"]) == ("h264", "yuv420p", "avc1")
    start = requests.get(url, headers={"Range": "bytes=0-4095"}, timeout=10).content
    assert b"moov" in start, "the index is not at the beginning"


def test_sound_is_kept_and_silence_is_not_filled(version, ended, tmp_path):
    loud = ended(version.encode_media(clips.film(tmp_path / "a.mov", audio=True)))
    streams, _ = clips.probe(address(components(loud)["ftrackreview-mp4"]))
    assert (streams["audio"]["codec_name"], streams["audio"]["sample_rate"]) == ("aac", "48000")
    assert int(streams["video"]["nb_read_frames"]) == 25
    silent = ended(version.encode_media(clips.film(tmp_path / "b.mov")))
    assert "audio" not in clips.probe(address(components(silent)["ftrackreview-mp4"]))[0]


@pytest.mark.parametrize("size, expected", [("101x57", (100, 56)), ("64x480", (64, 480)), ("1281x721", (1278, 720))])
def test_odd_sides_become_even(version, ended, tmp_path, size, expected):
    path = clips.film(tmp_path / "a.mov", size=size, frames=3, codec="png", pixels="rgb24")
    film = components(ended(version.encode_media(path)))["ftrackreview-mp4"]
    assert (meta(film)["width"], meta(film)["height"]) == expected
    video = clips.probe(address(film))[0]["video"]
    assert (video["width"], video["height"]) == expected


def test_a_large_film_comes_in_two_sizes(version, ended, tmp_path):
    job = ended(version.encode_media(clips.film(tmp_path / "a.mov", size="1920x1080", frames=5)))
    made = components(job)
    heights = {name: meta(made[name])["height"] for name in made if name.startswith("ftrackreview-mp4")}
    assert heights == {"ftrackreview-mp4": 720, "ftrackreview-mp4-1080": 1080}
    assert {made[name]["version_id"] for name in made} == {version["id"]}


def test_what_can_be_seen_through_is_seen_before_black(version, ended, tmp_path):
    path = clips.film(tmp_path / "a.mov", frames=3, codec="png", pixels="rgba", more=["-vf", "format=rgba,colorchannelmixer=aa=0"])
    film = components(ended(version.encode_media(path)))["ftrackreview-mp4"]
    seen = clips.ffmpeg(tmp_path / "seen.gray", "-i", address(film), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray")
    with open(seen, "rb") as file:
        assert max(file.read()) < 24


def test_a_turned_film_stands_upright(version, ended, tmp_path):
    plain = clips.film(tmp_path / "plain.mp4", frames=3)
    turned = clips.ffmpeg(tmp_path / "turned.mp4", "-i", plain, "-c", "copy", "-metadata:s:v", "rotate=90")
    film = components(ended(version.encode_media(turned)))["ftrackreview-mp4"]
    assert (meta(film)["width"], meta(film)["height"]) == (180, 320)


def test_wide_pixels_are_made_square(version, ended, tmp_path):
    path = clips.film(tmp_path / "a.mov", size="320x240", frames=3, more=["-vf", "setsar=2"])
    film = components(ended(version.encode_media(path)))["ftrackreview-mp4"]
    assert (meta(film)["width"], meta(film)["height"]) == (640, 240)


def test_a_film_has_a_thumbnail_and_a_filmstrip(version, ended, tmp_path, other_session):
    job = ended(version.encode_media(clips.film(tmp_path / "a.mov", size="640x360", frames=60)))
    made = components(job)
    assert other_session.get("AssetVersion", version["id"])["thumbnail_id"] == made["thumbnail"]["id"]
    assert clips.probe(address(made["thumbnail"]))[0]["video"]["codec_name"] == "mjpeg"
    assert meta(made["thumbnail"]) == {"format": "image", "height": 360, "width": 640}
    strip = meta(made["filmstrip"])
    assert strip == {"format": "image", "height": 90, "width": 160 * 30, "frames": 30}


def test_the_task_and_its_shot_are_shown_too_where_they_have_no_picture(version, ended, tmp_path, task, other_session):
    own = task.create_thumbnail(clips.still(tmp_path / "own.png"))
    job = ended(version.encode_media(clips.still(tmp_path / "a.png")))
    assert other_session.get("Task", task["id"])["thumbnail_id"] == own["id"]
    assert other_session.get("Shot", task["parent"]["id"])["thumbnail_id"] == components(job)["thumbnail"]["id"]


def test_a_still_becomes_a_reviewable_picture(version, ended, tmp_path):
    job = ended(version.encode_media(clips.still(tmp_path / "a.png", size="640x480")))
    assert job["status"] == "done"
    made = components(job)
    assert set(made) == {"ftrackreview-image", "thumbnail"}
    assert meta(made["ftrackreview-image"]) == {"format": "image", "height": 480, "width": 640}
    assert [output["format"] for output in json.loads(job["data"])["output"]] == ["image/jpeg", "image/jpeg"]


def test_a_large_still_is_kept_in_full_as_well(version, ended, tmp_path):
    made = components(ended(version.encode_media(clips.still(tmp_path / "a.tif", size="2880x1620"))))
    assert meta(made["ftrackreview-image"])["height"] == 1080
    assert meta(made["ftrackreview-image-high"]) == {"format": "image", "height": 1620, "width": 2880}


def test_an_exr_is_shown_as_bright_as_on_a_screen(version, ended, tmp_path):
    # Half of the light is three quarters of the way from black to white.
    path = clips.still(tmp_path / "a.exr", color="0x808080", more=["-pix_fmt", "gbrpf32le"])
    image = components(ended(version.encode_media(path)))["ftrackreview-image"]
    seen = clips.ffmpeg(tmp_path / "seen.gray", "-i", address(image), "-f", "rawvideo", "-pix_fmt", "gray")
    with open(seen, "rb") as file:
        assert 176 <= file.read()[0] <= 200


def test_an_animation_is_a_film_whatever_its_type_promises(version, ended, tmp_path):
    path = clips.ffmpeg(tmp_path / "a.gif", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10", "-frames:v", "12")
    job = ended(version.encode_media(path))
    film = components(job)["ftrackreview-mp4"]
    assert (meta(film)["frameOut"], meta(film)["frameRate"]) == (11, 10)
    assert "ftrackreview-image" not in components(job)


def test_the_outputs_lie_in_the_servers_location(version, ended, tmp_path):
    job = ended(version.encode_media(clips.still(tmp_path / "a.png")))
    for component in components(job).values():
        found = requests.get(address(component), timeout=10)
        assert (found.status_code, len(found.content)) == (200, component["size"])
        assert component.get_availability()[SERVER_LOCATION_ID] == 100.0
    for link in job["job_components"]:
        assert link["component_id"] in link["url"]["value"]


def test_a_file_goes_when_it_is_encoded_and_a_component_stays(session, version, ended, tmp_path, other_session):
    path = clips.still(tmp_path / "a.png")
    given = ended(version.encode_media(path))
    source_id = json.loads(given["data"])["source_component_id"]
    assert other_session.get("FileComponent", source_id) is None
    component = session.create_component(path, location=session.get("Location", SERVER_LOCATION_ID))
    kept = ended(session.encode_media(component))
    assert json.loads(kept["data"])["keep_original"] is True
    assert requests.get(address(component), timeout=10).status_code == 200
    thrown = ended(session.encode_media(component, keep_original=False))
    assert thrown["status"] == "done"
    assert other_session.get("FileComponent", component["id"]) is None
    session.rollback()


def test_without_a_version_the_outputs_belong_to_none(session, version, ended, tmp_path):
    location = session.get("Location", SERVER_LOCATION_ID)
    component = version.create_component(clips.still(tmp_path / "a.png"), location=location)
    session.commit()
    job = ended(session.encode_media(component))
    assert {made["version_id"] for made in components(job).values()} == {None}


def test_outputs_may_be_moved_to_a_version_before_they_are_made(session, version, ended, tmp_path, other_session):
    job = session.encode_media(clips.film(tmp_path / "a.mov"))
    for output in json.loads(job["data"])["output"]:
        session.get("FileComponent", output["component_id"])["version_id"] = version["id"]
        if output["format"] == "image/jpeg":
            version["thumbnail_id"] = output["component_id"]
    session.commit()
    assert ended(job)["status"] == "done"
    names = {component["name"] for component in other_session.get("AssetVersion", version["id"])["components"]}
    assert {"ftrackreview-mp4", "thumbnail"} <= names


@pytest.mark.parametrize("file, reason", [("broken.mov", "Invalid data"), ("empty.mp4", "ffprobe"), ("text.txt", "no picture")])
def test_a_broken_file_fails_the_job_with_the_reason(version, ended, tmp_path, file, reason):
    path = tmp_path / file
    path.write_bytes(b"" if file.startswith("empty") else b"this is no film at all\n" * 50)
    job = ended(version.encode_media(str(path)))
    assert job["status"] == "failed"
    assert reason in json.loads(job["data"])["description"]
    assert json.loads(job["data"])["output"] == []
    assert list(job["job_components"]) == []


def test_sound_alone_is_no_film(version, ended, tmp_path):
    job = ended(version.encode_media(clips.sound(tmp_path / "a.wav")))
    assert job["status"] == "failed"
    assert "no picture" in json.loads(job["data"])["description"]


def test_a_cut_off_film_fails_and_keeps_its_source(session, version, ended, tmp_path, other_session):
    whole = clips.film(tmp_path / "a.mov", frames=50)
    with open(whole, "rb") as file:
        begin = file.read(2000)
    (tmp_path / "cut.mov").write_bytes(begin)
    job = ended(version.encode_media(str(tmp_path / "cut.mov")))
    assert job["status"] == "failed"
    source = other_session.get("FileComponent", json.loads(job["data"])["source_component_id"])
    assert source["size"] == 2000


def test_a_component_that_is_elsewhere_cannot_be_encoded(session, ended, tmp_path):
    component = session.create_component(clips.still(tmp_path / "a.png"), location=None)
    session.commit()
    job = ended(session.encode_media(component))
    assert job["status"] == "failed"
    assert "ftrack.server" in json.loads(job["data"])["description"]


def test_a_sequence_cannot_be_encoded(session, tmp_path):
    for frame in (1, 2):
        clips.still(tmp_path / ("a.%04d.png" % frame))
    component = session.create_component(str(tmp_path / "a.%04d.png [1-2]"), location=None)
    session.commit()
    with pytest.raises(ValueError):
        session.encode_media(component)
    with pytest.raises(ftrack_api.exception.ServerError, match="FileComponent"):
        session.call([{"action": "encode_media", "component_id": component["id"], "version_id": None}])


def test_an_unknown_version_is_refused_and_no_job_is_made(session, tmp_path):
    component = session.create_component(clips.still(tmp_path / "a.png"), location=None)
    session.commit()
    before = len(session.query("select id from Job").all())
    with pytest.raises(ftrack_api.exception.ServerError, match="AssetVersion nothing does not exist"):
        session.encode_media(component, version_id="nothing")
    assert len(session.query("select id from Job").all()) == before


def test_who_may_only_look_may_not_encode(session, read_only_session, tmp_path):
    component = session.create_component(clips.still(tmp_path / "a.png"), location=None)
    session.commit()
    operation = {"action": "encode_media", "component_id": component["id"], "version_id": None, "keep_original": True}
    with pytest.raises(ftrack_api.exception.ServerError, match="not permitted"):
        read_only_session.call([operation])


def test_a_job_may_be_asked_for_with_what_it_needs(session, tmp_path):
    """As the JavaScript client does: the component and its encoding in one batch, all or nothing."""
    component_id = "00000000-0000-4000-8000-%012d" % (time.time_ns() % 10**12)
    create = {"action": "create", "entity_type": "FileComponent", "entity_data": {
        "__entity_type__": "FileComponent", "id": component_id, "name": "late", "file_type": ".png"}}
    encode = {"action": "encode_media", "component_id": component_id, "version_id": None, "keep_original": True}
    unknown = {"action": "encode_media", "component_id": "nothing"}
    with pytest.raises(ftrack_api.exception.ServerError):
        session.call([create, encode, unknown])
    assert session.query('FileComponent where id is "%s"' % component_id).first() is None
    answers = session.call([create, encode])
    assert session.get("Job", answers[1]["job_id"])["type"] == "encode_media"


def test_everybody_hears_how_a_job_goes_on(listener, version, tmp_path):
    heard = listener("topic=ftrack.update")
    job = version.encode_media(clips.still(tmp_path / "a.png"))

    def status(event):
        changes = [entity["changes"].get("status") for entity in event["data"]["entities"] if entity["entityId"] == job["id"]]
        return changes[0] and (changes[0]["old"], changes[0]["new"]) if changes else None

    assert heard.wait(lambda event: event["topic"] == "ftrack.update" and status(event) == (None, "queued"))
    assert heard.wait(lambda event: event["topic"] == "ftrack.update" and status(event) == ("queued", "running"))
    done = heard.wait(lambda event: event["topic"] == "ftrack.update" and status(event) == ("running", "done"), DONE_WITHIN)
    entities = done["data"]["entities"]
    assert [e["keys"] for e in entities if e["entityId"] == version["id"]] == [["thumbid"]]
    encoded = heard.wait(lambda event: any(e["action"] == "encoded" for e in event["data"].get("entities", [])))
    entity = encoded["data"]["entities"][0]
    assert (entity["entityType"], entity["entityId"]) == ("assetversion", version["id"])
    assert entity["parents"][0]["entityId"] == version["id"]


def test_many_jobs_are_all_done(session, ended, tmp_path):
    path = clips.still(tmp_path / "a.png", size="64x64")
    jobs = [session.encode_media(path) for _ in range(8)]
    assert {ended(job)["status"] for job in jobs} == {"done"}


def test_a_version_deleted_meanwhile_leaves_no_outputs(session, version, ended, tmp_path):
    job = version.encode_media(clips.film(tmp_path / "a.mov", size="640x360", frames=30))
    outputs = [output["component_id"] for output in json.loads(job["data"])["output"]]
    session.delete(version)
    session.commit()
    end = ended(job)
    assert end["status"] in ("done", "failed")
    found = session.query("FileComponent where version_id is none and id in (%s)" % ", ".join(outputs)).all()
    assert [component for component in found if component["size"] == 0] == []


def test_a_disk_without_room_fails_the_job_and_leaves_no_outputs(session, version, ended, tmp_path, control):
    path = clips.film(tmp_path / "a.mov", size="640x360", frames=10)
    # Rows need little room, and the encoded film does not find enough.
    control.post("faults", action="encode_media", fault="full_disk", bytes=20_000)
    job = version.encode_media(path)
    end = ended(job)
    control.delete("faults")
    assert end["status"] == "failed"
    assert "no room" in json.loads(end["data"])["description"]
    outputs = [output["component_id"] for output in json.loads(job["data"])["output"]]
    assert session.query("FileComponent where id in (%s)" % ", ".join(outputs)).all() == []
    assert ended(version.encode_media(path))["status"] == "done"


def test_a_shared_review_plays_what_was_encoded(session, project, version, ended, tmp_path, server):
    assert ended(version.encode_media(clips.film(tmp_path / "a.mov")))["status"] == "done"
    review = session.create("ReviewSession", {"name": "Dailies", "project": project})
    session.create("ReviewSessionObject", {"name": "sh010", "version": "v1", "review_session": review, "asset_version": version})
    session.commit()
    operation = {"action": "generate_signed_url", "entity_type": "ReviewSession", "entity_key": review["id"], "metadata": {}}
    page = requests.get(session.call([operation])[0]["signed_url"], timeout=10).text
    film = html.unescape(page.split('<video controls src="')[1].split('"')[0])
    assert requests.get(server + film, headers={"Range": "bytes=4-7"}, timeout=10).content == b"ftyp"
