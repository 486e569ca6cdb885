"""What a role may do, and which projects a user may see."""

import ftrack_api
import pytest
import requests
from conftest import name, refused


@pytest.fixture()
def member(session, new_session, made):
    """Makes users with a role, and sessions of theirs: `member("User", open_projects=True)`."""

    def make(role, projects=(), open_projects=False, all_projects=False):
        user = session.create("User", {"username": name("member")})
        session.commit()
        for given in session.query('UserSecurityRole where user_id is "%s"' % user["id"]):
            session.delete(given)
        role = session.query('SecurityRole where name is "%s"' % role).one()
        given = session.create("UserSecurityRole", {
            "user": user, "security_role": role,
            "is_all_projects": all_projects, "is_all_open_projects": open_projects})
        for project in projects:
            session.create("UserSecurityRoleProject", {"user_security_role": given, "project": project})
        session.commit()
        made.append(user)
        key = session.reset_remote("api_key", entity=user)["api_key"]
        return new_session(api_user=user["username"], api_key=key)

    return make


@pytest.fixture()
def private(session, project):
    project["is_private"] = True
    session.commit()
    return project


def test_a_viewer_sees_everything(read_only_session):
    assert len(read_only_session.query('Shot where project.name is "harbour"').all()) == 12


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_a_viewer_changes_nothing(read_only_session, verb, session):
    shot = read_only_session.query('Shot where project.name is "harbour"').first()
    if verb == "create":
        read_only_session.create("Task", {"name": name(), "parent": shot})
    elif verb == "update":
        shot["description"] = "mine now"
    else:
        read_only_session.delete(shot)
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        read_only_session.commit()
    assert "PermissionError" in str(caught.value)
    assert verb in str(caught.value)
    read_only_session.rollback()
    assert session.get("Shot", shot["id"])["description"] == ""


def test_a_viewer_may_renew_only_their_own_key(read_only_session):
    ada = read_only_session.query('User where username is "ada"').one()
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        read_only_session.reset_remote("api_key", entity=ada)
    assert "PermissionError" in str(caught.value)


def test_a_private_project_is_seen_by_those_whose_role_names_it(private, member):
    outside = member("Artist", open_projects=True)
    inside = member("Artist", projects=[private])
    query = 'Project where id is "%s"' % private["id"]
    assert outside.query(query).all() == []
    assert [found["id"] for found in inside.query(query)] == [private["id"]]
    assert outside.query('Project where name is "harbour"').one()["full_name"] == "Harbour"


def test_a_role_for_one_project_shows_no_other(project, member):
    inside = member("Artist", projects=[project])
    assert [found["id"] for found in inside.query("Project")] == [project["id"]]
    assert inside.query('Shot where project.name is "harbour"').all() == []


def test_someone_without_a_role_sees_no_project(member, session):
    nobody = member("Viewer")
    assert nobody.query("Project").all() == []
    assert nobody.query("Task").all() == []
    assert nobody.query('Status where name is "Approved"').one()["name"] == "Approved"


@pytest.fixture()
def hidden(session, private, task, user):
    """Something of every kind in a private project."""
    asset = session.create("Asset", {"name": "walk", "parent": task["parent"]})
    version = session.create("AssetVersion", {"asset": asset, "task": task})
    component = session.create("FileComponent", {"name": "main", "version": version})
    note = task.create_note("nobody's business", user)
    session.create("Timelog", {"user": user, "context": task, "start": "2026-03-02T09:00:00", "duration": 60})
    session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    task["metadata"]["secret"] = "yes"
    session.commit()
    return {"version": version, "component": component, "note": note, "task": task}


@pytest.mark.parametrize(
    "query",
    [
        'Task where id is "{task}"',
        'TypedContext where project_id is "{project}"',
        'Context where id is "{task}"',
        'Asset where parent.parent.project_id is "{project}"',
        'AssetVersion where id is "{version}"',
        'FileComponent where id is "{component}"',
        'Note where id is "{note}"',
        'Timelog where context_id is "{task}"',
        'Appointment where context_id is "{task}"',
        'Metadata where parent_id is "{task}"',
        'User where assignments any (context_id is "{task}")',
        'User where timelogs.context.project_id is "{project}"',
        'Status where tasks any (id is "{task}")',
        'User where id in (select user_id from Timelog where context_id is "{task}")',
        'select project from Task where project.id is "{project}"',
    ],
)
def test_nothing_of_a_hidden_project_is_found(query, hidden, private, member, session):
    ids = {kind: entity["id"] for kind, entity in hidden.items()}
    query = query.format(project=private["id"], **ids)
    assert session.query(query).all() != []
    assert member("Artist", open_projects=True).query(query).all() == []


def test_files_of_a_hidden_project_are_neither_read_nor_written(hidden, private, member, session, server):
    component_id = hidden["component"]["id"]
    asked = {"action": "get_upload_metadata", "component_id": component_id, "file_name": "a.mov", "parts": None}
    requests.put(session.call([asked])[0]["url"], data=b"secret", timeout=10).raise_for_status()
    other = member("Artist", open_projects=True)
    query = {"id": component_id, "username": other.api_user, "apiKey": other.api_key}
    for page in ("get", "thumbnail", "remove"):
        assert requests.get("%s/component/%s" % (server, page), params=query, timeout=10).status_code == 404
    with pytest.raises(ftrack_api.exception.ServerError, match="not permitted"):
        other.call([asked])
    with pytest.raises(ftrack_api.exception.ServerError, match="does not exist"):
        other.call([{"action": "encode_media", "component_id": component_id, "version_id": None}])
    own = {"id": component_id, "username": session.api_user, "apiKey": session.api_key}
    assert requests.get(server + "/component/get", params=own, timeout=10).content == b"secret"


def test_relations_do_not_lead_into_a_hidden_project(hidden, private, member, user):
    outside = member("Artist", open_projects=True)
    seen = outside.query(
        "select timelogs.context_id, assignments.context_id from User where id is %s" % user["id"]).one()
    contexts = [entity["context_id"] for name in ("timelogs", "assignments") for entity in seen[name]]
    assert hidden["task"]["id"] not in contexts
    assert outside.get("Task", hidden["task"]["id"]) is None


def test_hidden_entities_are_not_counted(hidden, private, member, call, session):
    def count(asking):
        rows = asking.call([{"action": "query", "expression": "select count(id) from Task group by project_id"}])
        return len(rows[0]["data"])

    assert count(session) == count(member("Artist", open_projects=True)) + 1


def test_a_search_finds_nothing_of_a_hidden_project(hidden, private, member, session):
    def found(asking):
        search = {"action": "search", "expression": "select name from Task", "entity_type": "Task",
                  "terms": [private["full_name"]], "context_id": private["id"], "object_type_ids": []}
        return [row["name"] for row in asking.call([search])[0]["data"]]

    assert found(session) == ["anim"]
    assert found(member("Artist", open_projects=True)) == []


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_nothing_of_a_hidden_project_is_changed(verb, hidden, private, member, session):
    outside = member("Artist", open_projects=True)
    task = hidden["task"]
    operation = {
        "create": {"action": "create", "entity_type": "Task", "entity_data": {"name": "mine", "parent_id": task["parent_id"]}},
        "update": {"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "entity_data": {"name": "mine"}},
        "delete": {"action": "delete", "entity_type": "Task", "entity_key": [task["id"]]},
    }[verb]
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        outside.call([operation])
    assert "PermissionError" in str(caught.value)
    assert [found["name"] for found in session.query('select name from Task where project_id is "%s"' % private["id"])] == ["anim"]


def test_nothing_of_a_hidden_project_is_brought_into_another(hidden, private, member, session, call):
    outside = member("Artist", open_projects=True)
    shot = outside.query('Shot where project.name is "harbour"').first()
    before = [note["id"] for note in shot["notes"]]
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        outside.call([{"action": "update", "entity_type": "Shot", "entity_key": [shot["id"]], "entity_data": {
            "notes": [{"__entity_type__": "Note", "id": hidden["note"]["id"]}]}}])
    assert "which does not exist" in str(caught.value)
    assert [note["id"] for note in session.get("Shot", shot["id"])["notes"]] == before
    assert session.query("select parent_id from Note where id is %s" % hidden["note"]["id"]).one()["parent_id"] == hidden["task"]["id"]


def test_nothing_can_be_moved_out_of_sight(session, project, task, member):
    outside = member("Artist", projects=[project])
    lantern = session.query('Project where name is "lantern"').one()
    moved = outside.get("Sequence", task["parent"]["parent_id"])
    moved["parent_id"] = lantern["id"]
    assert "PermissionError" in refused(outside)


def test_who_makes_a_project_private_still_sees_it(member, session):
    manager = member("Project Manager", open_projects=True)
    schema = manager.query("ProjectSchema").first()
    made = manager.create("Project", {
        "name": name("project"), "full_name": "Mine", "project_schema": schema, "is_private": True})
    manager.commit()
    manager.create("Folder", {"name": "assets", "parent": made})
    manager.commit()
    assert [found["name"] for found in manager.query('Folder where project_id is "%s"' % made["id"])] == ["assets"]
    assert member("Artist", open_projects=True).query('Project where id is "%s"' % made["id"]).all() == []
    session.delete(session.get("Project", made["id"]))
    session.commit()


def test_an_artist_works_in_projects_and_leaves_settings_alone(member, shot):
    artist = member("Artist", open_projects=True)
    made = artist.create("Task", {"name": "comp", "parent": artist.get("Shot", shot["id"])})
    artist.commit()
    assert made["status"]["name"] == "Not started"
    artist.create("Status", {"name": name("status")})
    assert "not permitted to create Status" in refused(artist)
    artist.delete(artist.get("Project", shot["project_id"]))
    assert "not permitted to delete Project" in refused(artist)


def test_a_user_changes_the_status_of_a_task_and_nothing_else_of_it(member, task, session):
    someone = member("User", open_projects=True)
    mine = someone.get("Task", task["id"])
    mine["status"] = someone.query('Status where name is "In progress"').one()
    someone.commit()
    assert session.query("select status.name from Task where id is %s" % task["id"]).one()["status"]["name"] == "In progress"
    mine["name"] = "renamed"
    assert "not permitted to update Task" in refused(someone)
    mine["parent"]["description"] = "mine"
    assert "not permitted to update Shot" in refused(someone)


def test_a_user_writes_notes_and_logs_time(member, task):
    someone = member("User", open_projects=True)
    mine = someone.get("Task", task["id"])
    me = someone.query('User where username is "%s"' % someone.api_user).one()
    note = mine.create_note("Seen", me)
    log = someone.create("Timelog", {"user": me, "context": mine, "start": "2026-03-02T09:00:00", "duration": 60})
    someone.commit()
    assert (note["parent_id"], log["duration"]) == (task["id"], 60)
    # A time log keeps its user from being deleted.
    someone.delete(log)
    someone.commit()


def test_a_restricted_user_sees_and_changes_what_they_are_assigned(member, session, task, shot):
    someone = member("Restricted User")
    assert someone.query("Project").all() == []
    me = session.query('User where username is "%s"' % someone.api_user).one()
    other = session.create("Task", {"name": "comp", "parent": shot})
    session.create("Appointment", {"context": task, "resource": me, "type": "assignment"})
    session.commit()
    assert [found["id"] for found in someone.query("Project")] == [task["project_id"]]
    done = someone.query('Status where name is "Approved"').one()
    someone.get("Task", task["id"])["status"] = done
    someone.commit()
    someone.get("Task", other["id"])["status"] = done
    assert "not permitted to update Task" in refused(someone)


def test_a_new_user_gets_the_default_role(session):
    made = session.create("User", {"username": name("user")})
    session.commit()
    role = session.query('select security_role.name, is_all_open_projects from UserSecurityRole where user_id is "%s"' % made["id"]).one()
    assert (role["security_role"]["name"], role["is_all_open_projects"]) == ("User", True)
    session.delete(made)
    session.commit()


def test_only_who_manages_roles_gives_them(member, session):
    manager = member("Project Manager", open_projects=True)
    role = manager.query('SecurityRole where name is "Administrator"').one()
    me = manager.query('User where username is "%s"' % manager.api_user).one()
    manager.create("UserSecurityRole", {"user": me, "security_role": role, "is_all_projects": True})
    assert "not permitted to create UserSecurityRole" in refused(manager)


def tells(entity):
    """Finds events that say something of an entity."""
    return lambda event: event["topic"] == "ftrack.update" and entity["id"] in str(event["data"])


def test_updates_of_a_hidden_project_reach_only_those_who_see_it(session, hidden, private, member, task, listener, made):
    outside = listener("topic=ftrack.update", session=member("Artist", open_projects=True))
    inside = listener("topic=ftrack.update", session=member("Artist", projects=[private]))
    task["description"] = "a secret"
    session.commit()
    made.append(session.create("Scope", {"name": name("marker")}))
    session.commit()
    inside.wait(tells(task))
    outside.wait(tells(made[-1]))
    assert [event for event in outside.events if tells(task)(event)] == []


def test_an_update_of_several_projects_tells_each_what_they_see(session, hidden, private, member, task, listener, made):
    outside = listener("topic=ftrack.update", session=member("Artist", open_projects=True))
    lantern = session.query('Project where name is "lantern"').one()
    task["description"] = "a secret"
    made.append(session.create("Folder", {"name": name("folder"), "parent": lantern}))
    session.commit()
    event = outside.wait(tells(made[-1]))
    assert [each["entityId"] for each in event["data"]["entities"]] == [made[-1]["id"]]
    assert event["data"]["parents"] == [made[-1]["id"], lantern["id"]]


def test_the_end_of_a_hidden_project_is_told_to_nobody_outside(session, hidden, private, member, shot, listener, made):
    outside = listener("topic=ftrack.update", session=member("Artist", open_projects=True))
    session.delete(shot)
    session.commit()
    made.append(session.create("Scope", {"name": name("marker")}))
    session.commit()
    outside.wait(tells(made[-1]))
    assert [event for event in outside.events if tells(private)(event) or tells(shot)(event)] == []
