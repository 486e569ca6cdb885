"""Creating, changing and deleting."""

import uuid

import ftrack_api
import pytest
from conftest import name


def test_a_hierarchy_is_made_in_one_commit(session, project, other_session):
    sequence = session.create("Sequence", {"name": "sq100", "parent": project})
    for shot_name in ("sh010", "sh020"):
        shot = session.create("Shot", {"name": shot_name, "parent": sequence})
        for task_name in ("anim", "comp"):
            session.create("Task", {"name": task_name, "parent": shot})
    session.commit()
    found = other_session.query(
        'select name, parent.parent.name from Task where project_id is "%s" order by parent.name, name' % project["id"]
    ).all()
    assert [(task["parent"]["name"], task["name"]) for task in found] == [
        ("sh010", "anim"), ("sh010", "comp"), ("sh020", "anim"), ("sh020", "comp"),
    ]
    assert {task["parent"]["parent"]["name"] for task in found} == {"sq100"}


def test_what_the_server_fills_in_is_seen_after_the_commit(session, project, task, user):
    assert task["project_id"] == project["id"]
    assert task["project"]["full_name"] == project["full_name"]
    assert task["status"]["name"] == "Not started"
    assert task["type"]["name"] == "Compositing"
    assert task["priority"]["name"] == "None"
    assert task["created_by"]["id"] == user["id"]
    assert task["created_at"] is not None
    assert task["context_type"] == "task"
    assert [item["name"] for item in task["link"]] == [project["full_name"], "sq010", "sh010", "anim"]


def test_changes_are_seen_by_others(session, task, other_session):
    approved = session.query('Status where name is "Approved"').one()
    task["description"] = "with \"quotes\", a \\ and an 🙂"
    task["status"] = approved
    task["bid"] = 7200
    session.commit()
    seen = other_session.get("Task", task["id"])
    assert seen["description"] == "with \"quotes\", a \\ and an 🙂"
    assert seen["status"]["name"] == "Approved"
    assert seen["bid"] == 7200


def test_a_changed_status_is_remembered(session, task, user):
    before = task["status"]["name"]
    task["status"] = session.query('Status where name is "In progress"').one()
    session.commit()
    changes = session.query('TypedContextStatusChange where parent_id is "%s"' % task["id"]).all()
    assert [(change["from_status"]["name"], change["status"]["name"]) for change in changes] == [(before, "In progress")]
    assert changes[0]["user"]["id"] == user["id"]


def test_dates_keep_their_second(session, task, other_session):
    import datetime

    task["start_date"] = datetime.datetime(2026, 3, 2, 9, 30, 15, 123456)
    task["end_date"] = datetime.date(2026, 3, 9)
    session.commit()
    seen = other_session.get("Task", task["id"])
    assert seen["start_date"].isoformat() == "2026-03-02T09:30:15+00:00"
    assert seen["end_date"].isoformat() == "2026-03-09T00:00:00+00:00"


def test_two_children_of_one_parent_cannot_share_a_name(session, shot):
    session.create("Shot", {"name": shot["name"], "parent": shot["parent"]})
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.commit()
    assert "IntegrityError" in str(caught.value)
    session.rollback()


def test_a_repeated_id_is_refused(session, shot, other_session):
    other_session.create("Task", {"id": shot["id"], "name": "again", "parent_id": shot["parent_id"]})
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        other_session.commit()
    assert "IntegrityError" in str(caught.value)
    other_session.rollback()


def test_a_failed_commit_leaves_nothing(session, shot, other_session):
    session.create("Task", {"name": "first", "parent": shot})
    session.create("Task", {"name": "second", "parent_id": str(uuid.uuid4())})
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.commit()
    assert "IntegrityError" in str(caught.value)
    session.rollback()
    assert other_session.query('Task where parent_id is "%s"' % shot["id"]).all() == []


@pytest.mark.parametrize(
    "data, word",
    [
        ({"frobnicate": 1}, "frobnicate does not exist"),
        ({"bid": "long"}, "must be of type number"),
        ({"status_id": str(uuid.uuid4())}, "does not exist"),
        ({"ancestors": [{"__entity_type__": "Shot", "id": "x"}]}, "cannot be set"),
    ],
)
def test_bad_data_is_refused_with_the_reason(call, shot, data, word):
    data = {"__entity_type__": "Task", "name": name(), "parent_id": shot["id"], **data}
    answer = call({"action": "create", "entity_type": "Task", "entity_data": data}).json()
    assert word in answer["content"]
    assert "{" not in answer["content"]


def test_required_attributes_must_be_there(call):
    answer = call({"action": "create", "entity_type": "AssetType", "entity_data": {"name": "x"}}).json()
    assert answer["exception"] == "ValidationError"
    assert "short" in answer["content"]


def test_immutable_attributes_stay(call, session, task):
    other = session.query('ObjectType where name is "Shot"').one()["id"]
    update = {"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "entity_data": {"object_type_id": other}}
    assert "immutable" in call(update).json()["content"]


def test_the_client_itself_protects_what_an_object_type_lacks(session, shot):
    sequence = shot["parent"]
    assert sequence["status"] is None
    with pytest.raises(ftrack_api.exception.ImmutableAttributeError):
        sequence["status"] = shot["status"]


def test_an_id_may_be_left_to_the_server_and_a_key_may_be_plain_text(call, shot):
    created = call({"action": "create", "entity_type": "Task", "entity_data": {
        "name": name(), "parent_id": shot["id"], "__entity_type__": "Task"}}).json()[0]["data"]
    assert uuid.UUID(created["id"])
    updated = call({"action": "update", "entity_type": "Task", "entity_key": created["id"],
                    "entity_data": {"name": "renamed"}}).json()[0]
    assert updated["action"] == "update"
    assert updated["data"]["name"] == "renamed"
    assert call({"action": "delete", "entity_type": "Task", "entity_key": created["id"]}).json() == [
        {"action": "delete", "data": True}
    ]


def test_deleting_takes_everything_below_along(session, project, task, other_session, user):
    task.create_note("gone soon", user)
    session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    session.commit()
    session.delete(task["parent"]["parent"])
    session.commit()
    assert other_session.query('TypedContext where project_id is "%s"' % project["id"]).all() == []
    assert other_session.query('Note where content is "gone soon"').all() == []
    assert other_session.query('Appointment where context_id is "%s"' % task["id"]).all() == []


def test_what_is_in_use_cannot_be_deleted(call, session):
    status = session.query('Status where name is "Not started"').one()["id"]
    answer = call({"action": "delete", "entity_type": "Status", "entity_key": [status]}).json()
    assert answer["exception"] == "IntegrityError"


def test_moving_takes_along_the_subtree_to_the_other_project(session, project, task, other_session):
    lantern = session.query('Project where name is "lantern"').one()
    sequence = task["parent"]["parent"]
    sequence["name"] = name("moved")
    sequence["parent"] = lantern
    session.commit()
    assert other_session.get("Task", task["id"])["project"]["name"] == "lantern"
    sequence["parent"] = project
    session.commit()
    assert session.query("select project_id from Task where id is %s" % task["id"]).one()["project_id"] == project["id"]


def test_nothing_can_be_moved_below_itself(call, shot):
    answer = call({"action": "update", "entity_type": "Sequence", "entity_key": [shot["parent_id"]],
                   "entity_data": {"parent_id": shot["id"]}}).json()
    assert answer["exception"] == "ValidationError"


def test_ensure_finds_before_it_makes(session, other_session):
    username = name("user")
    first = session.ensure("User", {"username": username, "email": "a@example.com"}, identifying_keys=["username"])
    again = other_session.ensure("User", {"username": username, "email": "b@example.com"}, identifying_keys=["username"])
    assert first["id"] == again["id"]
    assert again["email"] == "b@example.com"
    session.delete(first)
    session.commit()


def test_versions_are_numbered_and_the_latest_is_known(session, shot, task, user):
    kind = session.query('AssetType where short is "anim"').one()
    asset = session.create("Asset", {"name": "walk", "parent": shot, "type": kind})
    first = session.create("AssetVersion", {"asset": asset, "task": task, "comment": "one"})
    session.commit()
    second = session.create("AssetVersion", {"asset": asset, "task": task})
    session.commit()
    assert (first["version"], second["version"]) == (1, 2)
    assert second["status"]["name"] == "Not started"
    assert second["user"]["id"] == user["id"]
    assert session.query("select is_latest_version from AssetVersion where id is %s" % second["id"]).one()["is_latest_version"]
    assert session.query("AssetVersion where asset_id is %s and is_latest_version is True" % asset["id"]).one() is second
    assert session.query("select latest_version from Asset where id is %s" % asset["id"]).one()["latest_version"] is second
    assert [item["type"] for item in second["link"]] == ["Project", "TypedContext", "TypedContext", "AssetVersion"]


def test_versions_use_versions(session, shot):
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    used = session.create("AssetVersion", {"asset": asset})
    user = session.create("AssetVersion", {"asset": asset})
    session.commit()
    user["uses_versions"].append(used)
    session.commit()
    assert session.query("select used_in_versions from AssetVersion where id is %s" % used["id"]).one()["used_in_versions"][0] is user


def test_assignments_are_appointments(session, task, user):
    session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    session.commit()
    assert [found["id"] for found in session.query('Task where assignments any (resource.username is "%s") and id is %s' % (
        user["username"], task["id"]))] == [task["id"]]
    assert task["assignments"][0]["resource"]["username"] == user["username"]
    assert list(task["allocations"]) == []


def test_lists_hold_items_in_both_directions(session, project, shot, user):
    category = session.query('ListCategory where name is "Dailies"').one()
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    made = session.create("AssetVersionList", {
        "name": "monday", "project": project, "category": category, "owner": user, "items": [version]})
    session.commit()
    seen = session.query("select items, system_type from AssetVersionList where id is %s" % made["id"]).one()
    assert [item["id"] for item in seen["items"]] == [version["id"]]
    assert seen["system_type"] == "assetversion"
    assert session.query("select lists from AssetVersion where id is %s" % version["id"]).one()["lists"][0] is made


def test_links_between_tasks_are_seen_from_both_ends(session, shot, task):
    after = session.create("Task", {"name": "comp", "parent": shot})
    session.create("TypedContextLink", {"from": task, "to": after})
    session.commit()
    assert task["outgoing_links"][0]["to"]["id"] == after["id"]
    assert after["incoming_links"][0]["from"]["id"] == task["id"]


def test_scopes_are_replaced_as_a_whole(session, project, other_session):
    scopes = session.query("Scope").all()
    project["scopes"] = scopes
    session.commit()
    project["scopes"] = scopes[:1]
    session.commit()
    seen = other_session.get("Project", project["id"])
    assert [scope["name"] for scope in seen["scopes"]] == [scopes[0]["name"]]


def test_a_file_is_registered_in_a_location(session, shot, tmp_path):
    path = tmp_path / "plate.exr"
    path.write_bytes(b"pixels")
    asset = session.create("Asset", {"name": "plate", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    session.commit()
    component = version.create_component(str(path), {"name": "main"}, location=None)
    session.commit()
    assert component["file_type"] == ".exr"
    assert component["size"] == 6
    assert component["system_type"] == "file"
    assert [found["name"] for found in session.query("Component where version_id is %s" % version["id"])] == ["main"]


def test_a_job_keeps_its_data_word_for_word(session, user, other_session):
    data = '{"description": "Making shots", "n": 1.50}'
    job = session.create("Job", {"user": user, "status": "running", "data": data})
    session.commit()
    job["status"] = "done"
    session.commit()
    seen = other_session.get("Job", job["id"])
    assert (seen["status"], seen["data"], seen["type"]) == ("done", data, "api_job")
    session.delete(job)
    session.commit()


def test_what_nobody_set_is_not_known_until_it_is_read(session):
    made = session.create("User", {"username": name("user")})
    session.commit()
    with session.auto_populating(False):
        assert made["email"] is ftrack_api.symbol.NOT_SET
        assert made["is_active"] is True
    session.populate(made, "email")
    with session.auto_populating(False):
        assert made["email"] is None
    session.delete(made)
    session.commit()


def test_a_user_without_a_name_gets_one(session):
    made = session.create("User")
    session.commit()
    assert made["username"]
    session.delete(made)
    session.commit()


def test_a_required_attribute_may_come_later_in_the_commit(session):
    first = session.create("Scope", {})
    second = session.create("Scope", {"name": name("scope")})
    first["name"] = name("scope")
    session.commit()
    for made in (first, second):
        session.delete(made)
    session.commit()


def test_ensure_compares_times_and_numbers(session):
    import arrow

    data = {"start": arrow.get("2026-03-02T09:00:00"), "duration": 613}
    first = session.ensure("Timelog", data)
    assert session.ensure("Timelog", data) is first
    assert (first["start"], first["duration"]) == (data["start"], 613)
    session.delete(first)
    session.commit()


def test_metadata_can_be_made_as_an_entity(session, project, other_session):
    made = session.create("Metadata", {
        "key": "key", "value": "value", "parent_type": project.entity_type, "parent_id": project["id"]})
    session.commit()
    found = other_session.get("Metadata", [project["id"], "key"])
    assert (found["value"], found["parent_type"]) == ("value", "Project")
    assert found == made


def test_a_review_session_has_objects_invitees_and_statuses(session, project, shot, other_session):
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    review = session.create("ReviewSession", {"name": "friday", "description": "", "project": project})
    session.commit()
    assert list(review["review_session_invitees"]) == []
    shown = session.create("ReviewSessionObject", {
        "name": "sh010", "description": "", "version": "Version 1", "asset_version": version, "review_session": review})
    invitee = session.create("ReviewSessionInvitee", {"email": "a@example.com", "name": "A", "review_session": review})
    status = session.create("ReviewSessionObjectStatus", {
        "status": "approved", "invitee": invitee, "review_session_object": shown})
    session.commit()
    seen = other_session.get("ReviewSessionObjectStatus", status["id"])
    assert seen["invitee"]["name"] == "A"
    assert seen["review_session_object"]["asset_version"]["id"] == version["id"]
    assert review["created_by"]["username"] == session.api_user
    session.delete(review)
    session.commit()
    assert other_session.query("ReviewSessionObject where id is %s" % shown["id"]).all() == []


def test_rows_that_belong_to_no_one_survive_those_who_made_them(session, shot, new_session):
    author = session.create("User", {"username": name("user")})
    session.commit()
    note = shot.create_note("stays", author)
    session.commit()
    session.delete(author)
    session.commit()
    assert new_session().get("Note", note["id"])["author"] is None
