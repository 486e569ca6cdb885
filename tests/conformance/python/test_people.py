"""Users, groups, lists, jobs, settings: what belongs to people and to the whole studio."""

import arrow
import pytest
from conftest import name, refused


@pytest.fixture()
def someone(session, made):
    user = session.create("User", {"username": name("user"), "first_name": "Sam", "email": "sam@example.com"})
    session.commit()
    made.append(user)
    return user


def test_usernames_are_unique(session, someone):
    session.create("User", {"username": someone["username"]})
    assert "IntegrityError" in refused(session)


def test_a_user_is_a_resource(session, someone, new_session):
    seen = new_session().query('Resource where id is "%s"' % someone["id"]).one()
    assert (seen.entity_type, seen["resource_type"]) == ("User", "user")
    assert new_session().query('BaseUser where email is "sam@example.com" and id is "%s"' % someone["id"]).one()["first_name"] == "Sam"
    assert someone["user_type"]["name"] == "User"


def test_a_disabled_user_is_found_and_cannot_sign_in(session, someone, new_session):
    import ftrack_api

    key = session.reset_remote("api_key", entity=someone)["api_key"]
    someone["is_active"] = False
    session.commit()
    assert new_session().query('User where username is "%s" and is_active is False' % someone["username"]).one()
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        new_session(api_user=someone["username"], api_key=key)
    assert "InvalidCredentialsError" in str(caught.value)


def test_groups_lie_in_groups(session, made, new_session):
    outer = session.create("Group", {"name": name("outer")})
    inner = session.create("Group", {"name": name("inner"), "parent": outer})
    session.commit()
    made.append(inner)
    made.append(outer)
    seen = new_session().query('select link, parent.name, children from Group where id is "%s"' % inner["id"]).one()
    assert [item["name"] for item in seen["link"]] == [outer["name"], inner["name"]]
    assert [item["type"] for item in seen["link"]] == ["Group", "Group"]
    assert [each["id"] for each in new_session().get("Group", outer["id"])["children"]] == [inner["id"]]


def test_members_join_a_group_once(session, made, someone, new_session):
    group = session.create("Group", {"name": name("group")})
    session.create("Membership", {"user": someone, "group": group})
    session.commit()
    made.append(group)
    assert [each["username"] for each in new_session().query('User where memberships any (group.name is "%s")' % group["name"])] == [someone["username"]]
    session.create("Membership", {"user": someone, "group": group})
    assert "IntegrityError" in refused(session)


def test_a_deleted_group_leaves_its_members(session, someone, new_session):
    group = session.create("Group", {"name": name("group")})
    session.create("Membership", {"user": someone, "group": group})
    session.commit()
    session.delete(group)
    session.commit()
    seen = new_session().get("User", someone["id"])
    assert list(seen["memberships"]) == []


def test_a_list_is_filled_emptied_and_closed(session, project, shot, task, new_session):
    other = session.create("Task", {"name": "comp", "parent": shot})
    made = session.create("TypedContextList", {
        "name": "monday", "project": project, "category": session.query('ListCategory where name is "Default"').one()})
    session.commit()
    made["items"].append(task)
    made["items"].append(other)
    session.commit()
    assert {each["name"] for each in new_session().get("TypedContextList", made["id"])["items"]} == {"anim", "comp"}
    assert [each["name"] for each in new_session().get("Task", task["id"])["lists"]] == ["monday"]
    made["items"].remove(task)
    made["is_open"] = False
    session.commit()
    fresh = new_session()
    assert [each["name"] for each in fresh.get("TypedContextList", made["id"])["items"]] == ["comp"]
    assert fresh.query('TypedContextList where project_id is "%s" and is_open is True' % project["id"]).all() == []
    assert made["owner"]["username"] == session.api_user


def test_lists_of_both_kinds_are_lists(session, project, new_session):
    category = session.query("ListCategory").first()
    for kind in ("TypedContextList", "AssetVersionList"):
        session.create(kind, {"name": kind, "project": project, "category": category})
    session.commit()
    rows = new_session().query('select name, system_type from List where project_id is "%s" order by name' % project["id"]).all()
    assert [(row.entity_type, row["system_type"]) for row in rows] == [("AssetVersionList", "assetversion"), ("TypedContextList", "task")]


def test_an_item_is_in_a_list_once(session, project, task):
    made = session.create("TypedContextList", {"name": "m", "project": project, "category": session.query("ListCategory").first()})
    session.create("ListObject", {"list_id": made["id"], "entity_id": task["id"]})
    session.commit()
    session.create("ListObject", {"list_id": made["id"], "entity_id": task["id"]})
    assert "IntegrityError" in refused(session)


def test_a_deleted_item_leaves_its_lists(session, project, task, new_session):
    made = session.create("TypedContextList", {
        "name": "m", "project": project, "category": session.query("ListCategory").first(), "items": [task]})
    session.commit()
    session.delete(task)
    session.commit()
    assert list(new_session().get("TypedContextList", made["id"])["items"]) == []


def test_a_list_needs_a_category(session, project):
    session.create("TypedContextList", {"name": "m", "project": project})
    assert "category_id of TypedContextList is required" in refused(session)


def test_a_job_notes_when_it_ends(session, user, made, new_session):
    job = session.create("Job", {"user": user, "status": "running", "data": '{"description": "work"}'})
    session.commit()
    made.append(job)
    assert new_session().get("Job", job["id"])["finished_at"] is None
    job["status"] = "failed"
    session.commit()
    seen = new_session().get("Job", job["id"])
    assert abs((arrow.utcnow() - seen["finished_at"]).total_seconds()) < 60
    assert seen["created_at"] <= seen["finished_at"]


def test_a_job_has_one_of_four_states(session, user):
    session.create("Job", {"user": user, "status": "sleeping"})
    said = refused(session)
    assert "queued, running, done, failed" in said


def test_a_job_offers_files(session, user, made, tmp_path, new_session):
    path = tmp_path / "report.csv"
    path.write_text("a,b")
    location = session.query('Location where name is "ftrack.server"').one()
    component = session.create_component(str(path), data={"name": "report"}, location=location)
    job = session.create("Job", {"user": user, "status": "done", "data": "{}"})
    session.create("JobComponent", {"component_id": component["id"], "job_id": job["id"]})
    session.commit()
    made.extend([job, component])
    seen = new_session().get("Job", job["id"])["job_components"][0]
    assert seen["component"]["name"] == "report"
    assert component["id"] in seen["url"]["value"]


def test_a_setting_is_found_by_name_and_group(session, made, new_session):
    group = name("STORAGE")
    made.append(session.create("Setting", {"name": "storage_scenario", "group": group, "value": '{"scenario": "x"}'}))
    session.commit()
    query = 'select value from Setting where name is "storage_scenario" and group is "%s"' % group
    assert new_session().query(query).one()["value"] == '{"scenario": "x"}'


def test_a_user_keeps_application_states(session, user, made, new_session):
    state = session.create("UserApplicationState", {"user_id": user["id"], "key": name("layout"), "value": "wide"})
    session.commit()
    made.append(state)
    state["value"] = "narrow"
    session.commit()
    assert new_session().get("UserApplicationState", [user["id"], state["key"]])["value"] == "narrow"


def test_managers_of_a_project_have_a_type(session, project, user, new_session):
    kind = session.query('ManagerType where name is "Supervisor"').one()
    session.create("Manager", {"context": project, "user": user, "type": kind})
    session.commit()
    seen = new_session().get("Project", project["id"])["managers"]
    assert [(each["user"]["username"], each["type"]["name"]) for each in seen] == [(user["username"], "Supervisor")]


def test_a_dashboard_holds_widgets(session, user, made, new_session):
    dashboard = session.create("Dashboard", {"name": name("board")})
    session.create("DashboardWidget", {"dashboard": dashboard, "type": "tasks", "config": "{}", "sort": 1})
    session.create("DashboardResource", {"dashboard_id": dashboard["id"], "resource_id": user["id"]})
    session.commit()
    made.append(dashboard)
    seen = new_session().get("Dashboard", dashboard["id"])
    assert [each["type"] for each in seen["widgets"]] == ["tasks"]
    assert [each["resource"]["id"] for each in seen["dashboard_resources"]] == [user["id"]]


@pytest.mark.parametrize("attribute", ["name", "full_name"])
def test_the_names_of_projects_are_unique(session, project, attribute):
    data = {"name": name("project"), "full_name": name("Project"), attribute: project[attribute]}
    session.create("Project", {"project_schema": project["project_schema"], **data})
    assert "IntegrityError" in refused(session)


def test_a_location_of_the_studio_can_be_ensured(session, made, new_session):
    location = session.ensure("Location", {"name": name("studio.storage"), "label": "Storage"}, identifying_keys=["name"])
    made.append(location)
    again = new_session().ensure("Location", {"name": location["name"], "label": "Other"}, identifying_keys=["name"])
    assert (again["id"], again["label"]) == (location["id"], "Other")
