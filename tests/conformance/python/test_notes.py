"""Notes: where they hang, who gets them, what is attached, and when they are done."""

import arrow
import pytest
from conftest import name, refused


@pytest.fixture()
def note(session, task, user):
    made = task.create_note("Too bright", user)
    session.commit()
    return made


@pytest.mark.parametrize("kind", ["Project", "Sequence", "Shot", "Task", "AssetVersion"])
def test_everything_takes_notes(session, project, shot, task, user, new_session, kind):
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    session.commit()
    owner = {"Project": project, "Sequence": shot["parent"], "Shot": shot, "Task": task, "AssetVersion": version}[kind]
    made = owner.create_note("Look at this", user)
    session.commit()
    seen = new_session().get("Note", made["id"])
    expected = kind if kind in ("Project", "AssetVersion") else "TypedContext"
    assert (seen["parent_id"], seen["parent_type"], seen["project_id"]) == (owner["id"], expected, project["id"])


def test_notes_of_a_project_are_found_by_it(session, project, note, shot, user, new_session):
    shot.create_note("Too dark", user)
    session.commit()
    found = new_session().query('Note where project_id is "%s" order by content' % project["id"]).all()
    assert [each["content"] for each in found] == ["Too bright", "Too dark"]


def test_a_note_goes_to_people_and_groups(session, task, user, new_session):
    dana = session.query('User where username is "dana"').one()
    group = session.query('Group where name is "Production"').one()
    made = task.create_note("All of you", user, recipients=[dana, group])
    session.commit()
    resources = [each["resource_id"] for each in new_session().get("Note", made["id"])["recipients"]]
    assert sorted(resources) == sorted([user["id"], dana["id"], group["id"]])


def test_labels_and_categories_are_the_same_thing(session, task, user, note, new_session):
    category = session.query('NoteCategory where name is "Client feedback"').one()
    label = session.query('NoteLabel where name is "Internal"').one()
    other = task.create_note("Categorised", user, category=category)
    session.create("NoteLabelLink", {"note_id": note["id"], "label_id": label["id"]})
    session.commit()
    fresh = new_session()
    assert [each["id"] for each in fresh.query('Note where note_label_links any (label.name is "Internal") and parent_id is "%s"' % task["id"])] == [note["id"]]
    assert fresh.get("Note", other["id"])["category"]["name"] == "Client feedback"


def test_a_label_is_put_on_a_note_once(session, note):
    label = session.query('NoteLabel where name is "Internal"').one()
    for _ in range(2):
        session.create("NoteLabelLink", {"note_id": note["id"], "label_id": label["id"]})
    assert "IntegrityError" in refused(session)


def test_files_are_attached_to_a_note(session, note, tmp_path, new_session, server):
    path = tmp_path / "sketch.txt"
    path.write_text("darker here")
    location = session.query('Location where name is "ftrack.server"').one()
    component = session.create_component(str(path), data={"name": "sketch"}, location=location)
    session.create("NoteComponent", {"component_id": component["id"], "note_id": note["id"]})
    session.commit()
    fresh = new_session()
    seen = fresh.get("Note", note["id"])["note_components"]
    assert [each["component"]["name"] for each in seen] == ["sketch"]
    assert component["id"] in seen[0]["url"]["value"]
    import requests

    url = fresh.query('Location where name is "ftrack.server"').one().get_url(seen[0]["component"])
    assert requests.get(url, timeout=10).text == "darker here"


def test_a_to_do_is_done_by_somebody(session, note, user, new_session):
    note["is_todo"] = True
    session.commit()
    note["completed_by"] = user
    session.commit()
    seen = new_session().get("Note", note["id"])
    assert seen["completed_by"]["id"] == user["id"]
    assert abs((arrow.utcnow() - seen["completed_at"]).total_seconds()) < 60
    note["completed_by"] = None
    session.commit()
    assert new_session().get("Note", note["id"])["completed_at"] is None


def test_a_reply_wakes_its_thread(session, note, user, new_session):
    note["thread_activity"] = arrow.get("2020-01-01")
    session.commit()
    reply = note.create_reply("Fixed", user)
    session.commit()
    fresh = new_session()
    assert fresh.get("Note", note["id"])["thread_activity"] > arrow.get("2025-01-01")
    assert fresh.get("Note", reply["id"])["parent_id"] is None
    assert [each["id"] for each in fresh.query('Note where in_reply_to_id is "%s"' % note["id"])] == [reply["id"]]


def test_a_deleted_note_takes_its_replies_along(session, task, note, user, new_session):
    reply = note.create_reply("Fixed", user)
    session.commit()
    session.delete(note)
    session.commit()
    assert new_session().get("Note", reply["id"]) is None
    assert list(new_session().get("Task", task["id"])["notes"]) == []


def test_a_note_is_taken_off_its_task(session, task, note, new_session):
    task["notes"].remove(note)
    session.commit()
    assert list(new_session().get("Task", task["id"])["notes"]) == []


def test_notes_follow_what_they_hang_on_to_another_project(session, shot, note, new_session):
    lantern = session.query('Project where name is "lantern"').one()
    home = shot["parent"]["parent"]
    shot["parent"]["name"] = name("moved")
    shot["parent"]["parent"] = lantern
    session.commit()
    assert new_session().get("Note", note["id"])["project_id"] == lantern["id"]
    shot["parent"]["parent"] = home
    session.commit()


def test_a_note_may_hold_metadata(session, note, new_session):
    note["metadata"]["source"] = "phone"
    session.commit()
    assert dict(new_session().get("Note", note["id"])["metadata"]) == {"source": "phone"}
