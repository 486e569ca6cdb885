"""What the server works out: links, numbers, thumbnails, what is latest, above and below."""

import pytest
from conftest import name


def fresh_value(session, entity, attribute):
    return session.query("select %s from %s where id is %s" % (attribute, entity.entity_type, entity["id"])).one()[attribute]


@pytest.fixture()
def asset(session, shot):
    made = session.create("Asset", {"name": "walk", "parent": shot, "type": session.query('AssetType where short is "anim"').one()})
    session.commit()
    return made


def publish(session, asset, **data):
    version = session.create("AssetVersion", {"asset": asset, **data})
    session.commit()
    return version


def test_a_link_names_the_way_from_the_project(session, project, task, new_session):
    link = fresh_value(new_session(), task, "link")
    assert [(item["type"], item["name"]) for item in link] == [
        ("Project", project["full_name"]), ("TypedContext", "sq010"), ("TypedContext", "sh010"), ("TypedContext", "anim")]
    assert (link[0]["id"], link[-1]["id"]) == (project["id"], task["id"])
    assert session.get(link[2]["type"], link[2]["id"])["name"] == "sh010"
    assert fresh_value(new_session(), task, "_link") == link


def test_a_link_follows_names_and_moves(session, project, shot, task, new_session):
    shot["name"] = "sh020"
    folder = session.create("Folder", {"name": "extra", "parent": project})
    session.commit()
    shot["parent"] = folder
    session.commit()
    assert [item["name"] for item in fresh_value(new_session(), task, "link")][1:] == ["extra", "sh020", "anim"]


def test_the_link_of_a_version_ends_with_the_version(session, asset, new_session):
    version = publish(session, asset)
    link = fresh_value(new_session(), version, "link")
    assert [item["type"] for item in link] == ["Project", "TypedContext", "TypedContext", "AssetVersion"]
    assert link[-1]["id"] == version["id"]


def test_versions_count_on_from_the_highest(session, asset):
    assert publish(session, asset)["version"] == 1
    assert publish(session, asset, version=10)["version"] == 10
    last = publish(session, asset)
    assert last["version"] == 11
    session.delete(last)
    session.commit()
    assert publish(session, asset)["version"] == 11


def test_versions_of_one_commit_are_numbered_in_their_order(session, asset, new_session):
    made = [session.create("AssetVersion", {"asset": asset, "comment": text}) for text in "abc"]
    session.commit()
    rows = new_session().query('select comment, version from AssetVersion where asset_id is "%s" order by version' % asset["id"])
    assert [(row["comment"], row["version"]) for row in rows] == [("a", 1), ("b", 2), ("c", 3)]
    assert len({version["id"] for version in made}) == 3


def test_each_asset_counts_for_itself(session, shot, asset):
    other = session.create("Asset", {"name": "run", "parent": shot})
    session.commit()
    publish(session, asset)
    assert publish(session, other)["version"] == 1


def test_the_latest_version_goes_back_when_it_is_deleted(session, asset, new_session):
    first, second = publish(session, asset), publish(session, asset)
    assert fresh_value(new_session(), first, "is_latest_version") is False
    session.delete(second)
    session.commit()
    assert fresh_value(new_session(), first, "is_latest_version") is True
    assert fresh_value(new_session(), asset, "latest_version")["id"] == first["id"]


def test_an_asset_without_versions_has_no_latest(session, asset, new_session):
    assert fresh_value(new_session(), asset, "latest_version") is None


def test_a_version_knows_its_project_and_who_made_it(session, project, asset, user, new_session):
    version = publish(session, asset)
    seen = new_session().query("select project_id, user.username, date, is_published, comment from AssetVersion where id is %s" % version["id"]).one()
    assert (seen["project_id"], seen["user"]["username"]) == (project["id"], user["username"])
    assert (seen["is_published"], seen["comment"]) == (True, "")
    assert seen["date"] is not None


def test_ancestors_and_descendants_are_typed_contexts(session, project, shot, task, new_session):
    fresh = new_session()
    above = fresh_value(fresh, task, "ancestors")
    assert [each["name"] for each in above] == ["sq010", "sh010"]
    assert {each.entity_type for each in above} == {"Sequence", "Shot"}
    below = fresh.query("select descendants.name from Project where id is %s" % project["id"]).one()["descendants"]
    assert {each["name"] for each in below} == {"sq010", "sh010", "anim"}


def test_everything_below_a_context_is_found_by_its_ancestors(session, project, shot, task, new_session):
    query = 'select name from Context where (ancestors any (id = "%s") or id = "%s") order by name'
    assert [each["name"] for each in new_session().query(query % (shot["id"], shot["id"]))] == ["anim", "sh010"]


def test_an_asset_has_the_ancestors_of_its_parent(session, asset, new_session):
    assert [each["name"] for each in fresh_value(new_session(), asset, "ancestors")] == ["sq010", "sh010"]


def test_a_thumbnail_is_shown_by_its_address(session, shot, new_session):
    component = session.create("FileComponent", {"name": "thumbnail", "file_type": ".jpg"})
    session.commit()
    assert fresh_value(new_session(), shot, "thumbnail_url") is None
    shot["thumbnail_id"] = component["id"]
    session.commit()
    assert component["id"] in fresh_value(new_session(), shot, "thumbnail_url")["value"]
    shot["thumbnail"] = None
    session.commit()
    assert fresh_value(new_session(), shot, "thumbnail_url") is None


def test_a_deleted_component_is_nobodys_thumbnail(session, shot, new_session):
    component = session.create("FileComponent", {"name": "thumbnail"})
    session.commit()
    shot["thumbnail"] = component
    session.commit()
    session.delete(component)
    session.commit()
    assert fresh_value(new_session(), shot, "thumbnail_id") is None


def test_a_project_without_a_full_name_shows_its_name(session, made):
    project = session.create("Project", {"name": name("short"), "project_schema": session.query("ProjectSchema").first()})
    session.commit()
    made.append(project)
    assert project["full_name"] == project["name"]
    assert (project["status"], project["root"], project["is_global"], project["context_type"]) == ("active", "", False, "show")


def test_computed_attributes_cannot_be_set(call, task):
    answer = call({"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "entity_data": {"time_logged": 5}}).json()
    assert "time_logged of Task cannot be set" in answer["content"]


def test_status_changes_are_listed_on_what_changed(session, task, new_session):
    for status in ("In progress", "Approved"):
        task["status"] = session.query('Status where name is "%s"' % status).one()
        session.commit()
    rows = new_session().query(
        "select status_changes.status.name, status_changes.from_status.name, status_changes.date from Task where id is %s" % task["id"]).one()
    assert [(row["from_status"]["name"], row["status"]["name"]) for row in rows["status_changes"]] == [
        ("Not started", "In progress"), ("In progress", "Approved")]
    assert {row.entity_type for row in rows["status_changes"]} == {"TypedContextStatusChange"}


def test_the_status_changes_of_versions_are_their_own(session, asset, new_session):
    version = publish(session, asset)
    version["status"] = session.query('Status where name is "Approved"').one()
    session.commit()
    rows = new_session().query('AssetVersionStatusChange where parent_id is "%s"' % version["id"]).all()
    assert [(row["status"]["name"], row["parent_type"]) for row in rows] == [("Approved", "AssetVersion")]


def test_an_unchanged_status_is_no_change(session, task, new_session, call):
    call({"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "entity_data": {"status_id": task["status_id"]}})
    assert new_session().query('TypedContextStatusChange where parent_id is "%s"' % task["id"]).all() == []
