"""The event history: what happened, who did it, and to what."""

import json

import pytest
from conftest import name


def history(session, entity, action="%"):
    """What happened to an entity, the latest first."""
    return session.query(
        'select action, insert, data, parent_type, project_id, user.username, created_at from Event'
        ' where parent_id is "%s" and action like "%s" order by id desc' % (entity["id"], action)).all()


@pytest.fixture()
def approved(session):
    return session.query('Status where name is "Approved"').one()


def test_a_changed_status_is_in_the_history_of_the_project(session, project, task, user, approved, new_session):
    before = task["status_id"]
    task["status"] = approved
    session.commit()
    found = new_session().query(
        'select action, data, parent_id, user_id from Event where project_id is "%s"'
        ' and action like "change.status%%" order by id desc' % project["id"]).all()
    assert [(event["action"], event["parent_id"], event["user_id"]) for event in found] == [
        ("change.status.task", task["id"], user["id"])]
    data = json.loads(found[0]["data"])
    assert (data["id"], data["changes"]["statusid"]) == (task["id"], {"old": before, "new": approved["id"]})


def test_the_status_of_a_shot_has_an_action_of_its_own(session, shot, approved, new_session):
    shot["status"] = approved
    session.commit()
    found = new_session().query(
        'Event where parent_id in (%s) and action in ("change.status.shot", "change.status.task")' % shot["id"]).all()
    assert [event["action"] for event in found] == ["change.status.shot"]


def test_a_changed_custom_attribute_names_its_key(session, shot, new_session):
    shot["custom_attributes"]["fstart"] = 1009
    shot["custom_attributes"]["fend"] = 1100
    session.commit()
    found = new_session().query(
        'select action, data from Event where parent_id in (%s) and action in'
        ' ("update.custom_attribute.fend", "update.custom_attribute.fstart") order by action' % shot["id"]).all()
    assert [event["action"] for event in found] == ["update.custom_attribute.fend", "update.custom_attribute.fstart"]
    assert json.loads(found[1]["data"])["changes"]["fstart"]["new"] == "1009"


def test_a_published_version_reaches_those_who_follow_the_asset(session, shot, new_session):
    asset = session.create("Asset", {"name": "walk", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    session.commit()
    found = new_session().query(
        'select parent_id, parent_type, feeds.owner_id from Event'
        ' where feeds.owner_id in (%s) and action is "asset.published"' % asset["id"]).one()
    assert (found["parent_id"], found["parent_type"]) == (version["id"], "assetversion")
    assert [feed["owner_id"] for feed in found["feeds"]] == [asset["id"]]


def test_an_assignment_reaches_who_is_assigned(session, task, new_session):
    dana = session.query('User where username is "dana"').one()
    session.create("Appointment", {"context": task, "resource": dana, "type": "assignment"})
    session.create("Appointment", {"context": task, "resource": dana, "type": "allocation"})
    session.commit()
    found = new_session().query(
        'select data from Event where (feeds.owner_id in (%s) and action is "db.append.task:user"'
        ' and feeds.distance is "0" and feeds.relation is "assigned") and project_id is "%s"'
        % (dana["id"], task["project_id"])).all()
    assert [json.loads(event["data"])["changes"]["context_id"]["new"] for event in found] == [task["id"]]


def test_making_changing_and_deleting_are_told_apart(session, shot, user, new_session):
    task = session.create("Task", {"name": "comp", "parent": shot})
    session.commit()
    task["name"] = "roto"
    task["description"] = "by hand"
    session.commit()
    session.delete(task)
    session.commit()
    found = history(new_session(), task)
    assert [event["insert"] for event in found] == ["delete", "update", "insert"]
    assert {event["user"]["username"] for event in found} == {user["username"]}
    assert {event["parent_type"] for event in found} == {"task"}
    assert json.loads(found[0]["data"])["changes"]["name"] == {"old": "roto", "new": None}
    assert set(json.loads(found[1]["data"])["changes"]) == {"name", "description"}


def test_what_was_deleted_on_a_day_can_be_asked(session, project, shot, new_session):
    import arrow

    session.delete(shot)
    session.commit()
    found = new_session().query(
        'select action, data from Event where created_at > "%s" and insert is "delete" and project_id is "%s"'
        % (arrow.utcnow().date(), project["id"])).all()
    assert shot["id"] in [json.loads(event["data"])["id"] for event in found]


def test_the_history_has_whole_numbers_that_grow(session, shot, new_session):
    for text in ("one", "two", "three"):
        shot["description"] = text
        session.commit()
    ids = [event["id"] for event in history(new_session(), shot)]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids) and all(isinstance(each, int) for each in ids)
    event = new_session().get("Event", [ids[0]])
    assert json.loads(event["data"])["changes"]["description"]["new"] == "three"


def test_a_refused_commit_is_not_in_the_history(session, call, shot):
    call({"action": "update", "entity_type": "Shot", "entity_key": [shot["id"]], "entity_data": {"description": "x"}},
         {"action": "create", "entity_type": "Task", "entity_data": {"name": "y", "parent_id": "nowhere"}})
    assert history(session, shot, "db.update%") == []


def test_the_history_of_a_project_outlives_it(session, new_session):
    schema = session.query("ProjectSchema").first()
    made = session.create("Project", {"name": name("project"), "full_name": "Gone", "project_schema": schema})
    session.commit()
    session.delete(made)
    session.commit()
    assert [event["insert"] for event in history(new_session(), made)] == ["delete", "insert"]
