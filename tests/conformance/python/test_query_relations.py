"""Conditions, projections and orders that lead over relations."""

import pytest

from conftest import name


@pytest.fixture(scope="module")
def session(new_session):
    return new_session()


def found(session, query):
    return sorted(entity["name"] for entity in session.query(query))


@pytest.mark.parametrize(
    "query, expected",
    [
        ('Shot where parent has (name is "sq010" and parent.name is "ep02")', ["sh010", "sh020", "sh030"]),
        ('Sequence where children any (name is "sh010" and project.name is "lantern")', ["sq100"]),
        ('Shot where project.name is "lantern" and children any (type.name is "Animation" and assignments any (resource.username is "dana"))', ["sh010", "sh020"]),
        ('Shot where project.name is "lantern" and not children any (assignments any (resource.username is "bo"))', ["sh010", "sh020"]),
        ('Task where parent.project.name is "lantern" and parent.object_type.name is "Shot" and name is "lighting"', ["lighting"] * 2),
        ('Task where ancestors any (name is "ep01") and ancestors.name is "sq020" and name is "tracking"', ["tracking"] * 3),
        ('Folder where descendants any (name is "modeling")', ["assets"]),
        ('Project where descendants any (name is "sq100")', ["lantern"]),
        ('Project where children.children.name is "lighthouse"', ["harbour"]),
        ('TypedContext where parent.name is "assets"', ["lighthouse", "trawler"]),
        ('Context where name in ("lantern", "assets")', ["assets", "lantern"]),
        ('Shot where project.name is "lantern" and parent[Sequence].name is "sq100"', ["sh010", "sh020"]),
        ('Sequence where parent[Project].name is "lantern"', ["sq100"]),
        ('Task where assignments.resource[User].username is "ada" and project.name is "lantern"', ["compositing"] * 2),
        ('Task where assignments.resource[Group].name is "ada" and project.name is "lantern"', []),
        ('Task where project.name is "lantern" and not assignments any ()', ["lighting"] * 2 + ["tracking"] * 2),
        ('Task where id in (select context_id from Timelog where comment is "blocking")', ["animation"]),
        ('Task where parent_id in (select id from Shot where parent_id in (select id from Sequence where name is "sq100")) and name not_in (lighting, tracking)', ["animation"] * 2 + ["compositing"] * 2),
        ('Shot where id not_in (select parent_id from Task where name is "lighting") and project.name is "harbour"', []),
        ('Sequence where id in (select parent.parent_id from Task where name is "tracking" and project.name is "lantern")', ["sq100"]),
        ('Status where state.short is "DONE" and name like "approved"', ["Approved"]),
        ('Sequence where project.name is "harbour" and project has (status is active) and created_by is none', ["sq010"] * 2 + ["sq020"] * 2),
        ('Asset where versions any (version is 2) and versions.comment like "take 1"', ["animation"]),
        ('Asset where latest_version.version is 2 and context_id in (select id from Shot where name is "sh010")', ["animation"]),
        ('Asset where parent.ancestors.name is "ep01" and parent.project_id is_not none', ["animation"]),
    ],
)
def test_a_condition_leads_over_relations(session, query, expected):
    assert found(session, query) == expected


def test_two_conditions_through_a_collection_may_be_met_by_different_members(session, project):
    project["metadata"]["a"] = "one"
    project["metadata"]["b"] = "two"
    session.commit()
    own = 'id is "%s"' % project["id"]

    def count(criteria):
        return len(session.query("Project where %s and %s" % (own, criteria)).all())

    assert count('metadata.key is "a" and metadata.value is "two"') == 1
    assert count('metadata any (key is "a" and value is "two")') == 0
    assert count('metadata any (key is "a" and value like "%ne%")') == 1
    assert count('not metadata any (key is "c")') == 1


def test_memberships_lead_from_a_group_to_its_users(session, user):
    group = session.create("Group", {"name": name("group")})
    session.create("Membership", {"group": group, "user": user})
    session.commit()
    query = 'User where memberships any (group.name is "%s")' % group["name"]
    assert [found["id"] for found in session.query(query)] == [user["id"]]
    assert found(session, 'Group where memberships.user.username is "%s" and name is "%s"' % (user["username"], group["name"]))
    session.delete(group)
    session.commit()


def test_a_group_that_is_assigned_is_found_by_its_members(session, task, user):
    group = session.create("Group", {"name": name("group")})
    session.create("Membership", {"group": group, "user": user})
    session.create("Appointment", {"context": task, "resource": group, "type": "assignment"})
    session.commit()
    query = 'Appointment where resource[Group].memberships any (user.username is "%s")' % user["username"]
    assert task["id"] in {appointment["context_id"] for appointment in session.query(query)}
    session.delete(group)
    session.commit()


def test_resources_come_as_users_and_groups(session):
    group = session.create("Group", {"name": name("group")})
    session.commit()
    kinds = {resource.entity_type for resource in session.query("select id from Resource")}
    assert kinds == {"User", "Group"}
    session.delete(group)
    session.commit()


def test_attributes_of_one_type_are_left_out_on_the_others(session):
    rows = session.query('select parent.name, parent.full_name, parent.type.name from Sequence where project.name is "lantern"')
    with session.auto_populating(False):
        assert rows.first()["parent"]["full_name"] == "Lantern"
    rows = session.query('select parent.name, parent.full_name from Shot where project.name is "lantern"')
    assert rows.first()["parent"]["name"] == "sq100"


def test_a_collection_is_read_through_with_all_its_members(session):
    shot = session.query(
        'select name, children.name, children.assignments.resource.username, children.status.state.short from Shot'
        ' where name is "sh010" and project.name is "lantern"'
    ).one()
    with session.auto_populating(False):
        assert [task["name"] for task in shot["children"]] == ["tracking", "animation", "lighting", "compositing"]
        doers = [[one["resource"]["username"] for one in task["assignments"]] for task in shot["children"]]
        assert doers == [[], ["dana"], [], ["ada"]]
        assert shot["children"][0]["status"]["state"]["short"] == "DONE"


def test_an_empty_collection_is_an_empty_list(session):
    sequence = session.query('select notes, timelogs.duration, thumbnail from Sequence where name is "sq100"').one()
    with session.auto_populating(False):
        assert list(sequence["notes"]) == [] and list(sequence["timelogs"]) == []
        assert sequence["thumbnail"] is None


def test_a_version_reads_its_siblings_through_its_asset(call):
    query = "select version, asset.versions.version from AssetVersion where asset_id is_not None and version is 2 limit 1"
    row = call({"action": "query", "expression": query}, **{"ftrack-api-options": "denormalize=1"}).json()[0]["data"][0]
    assert sorted(version["version"] for version in row["asset"]["versions"]) == [1, 2]
    assert row["version"] == 2


def test_an_order_through_a_relation_drops_no_rows(session, project):
    for number, priority in enumerate(["Urgent", None, "Low"]):
        values = {"name": "task%d" % number, "parent": project}
        if priority:
            values["priority"] = session.query('Priority where name is "%s"' % priority).one()
        session.create("Task", values)
    session.commit()
    own = 'select name, thumbnail.name from Task where project_id is "%s" ' % project["id"]
    by_nothing = [task["name"] for task in session.query(own + "order by thumbnail.name, name desc")]
    assert by_nothing == ["task2", "task1", "task0"]
    by_priority = [task["name"] for task in session.query(own + "order by priority.sort descending")]
    backwards = [task["name"] for task in session.query(own + "order by priority.sort")]
    assert sorted(by_priority) == sorted(backwards) == ["task0", "task1", "task2"]
    assert by_priority == backwards[::-1]


def test_nulls_come_first_and_letter_case_does_not_count(session, project):
    for given, description in [("b", "Two"), ("A", None), ("c", "one"), ("D", "two")]:
        session.create("Folder", {"name": given, "parent": project, "description": description})
    session.commit()
    own = 'select name from Folder where project_id is "%s" order by ' % project["id"]
    assert [row["name"] for row in session.query(own + "name")] == ["A", "b", "c", "D"]
    assert [row["name"] for row in session.query(own + "description, name")] == ["A", "c", "b", "D"]
    assert [row["name"] for row in session.query(own + "description desc, name ascending")] == ["D", "b", "c", "A"]


def test_custom_attributes_are_asked_for_and_read_by_key(session, shot, project):
    shot["custom_attributes"]["fstart"] = 1050
    shot["custom_attributes"]["elements"] = ["plate", "hdri"]
    shot["custom_attributes"]["is_client_approved"] = True
    session.commit()

    def finds(criteria):
        query = 'Shot where project_id is "%s" and custom_attributes any (%s)' % (project["id"], criteria)
        return bool(session.query(query).all())

    assert finds('key is "fstart" and value is 1050')
    assert finds('key is "fstart" and value > "1049"') and not finds('key is "fstart" and value > 1050')
    assert finds('key is "is_client_approved" and value is true')
    assert finds('key is "elements" and value is "hdri"') and not finds('key is "elements" and value is "lidar"')
    assert finds('key is "fend" and value is 1100')
    assert finds('configuration.label is_not none and configuration.key is "handles" and value in (8, 9)')


def test_a_hierarchical_value_is_found_where_it_was_set_and_nowhere_else(session, shot, project):
    sequence = shot["parent"]
    sequence["custom_attributes"]["fps"] = 25
    session.commit()
    query = 'select name from TypedContext where project_id is "%s" and custom_attributes any (key is "fps" and value is 25)'
    assert [row["id"] for row in session.query(query % project["id"])] == [sequence["id"]]
    assert shot["custom_attributes"]["fps"] is None
    above = 'Shot where id is "%s" and parent.custom_attributes any (key is "fps" and value is 25)' % shot["id"]
    assert session.query(above).one() is shot


def test_stored_values_are_queried_as_entities(session, shot):
    shot["custom_attributes"]["handles"] = 12
    session.commit()
    configuration = session.query('CustomAttributeConfiguration where key is "handles"').one()
    rows = session.query(
        'select value, entity_id, configuration_id, configuration.key from ContextCustomAttributeValue'
        ' where entity_id in ("%s") and configuration_id in ("%s")' % (shot["id"], configuration["id"])
    ).all()
    assert [(row["value"], row["entity_id"], row["configuration"]["key"]) for row in rows] == [(12, shot["id"], "handles")]


def test_five_hundred_ids_are_asked_for_at_once(session):
    tasks = session.query("select id from Task").all()
    ids = [task["id"] for task in tasks] + ["nobody-%d" % number for number in range(500)]
    query = "select id from Task where id in (%s)" % ", ".join('"%s"' % one for one in ids)
    assert {task["id"] for task in session.query(query)} == {task["id"] for task in tasks}


def test_an_entity_met_on_two_ways_shows_what_either_asked_for(session):
    query = (
        "select parent.name, ancestors, ancestors.status.name, project.name from Task"
        ' where name is "tracking" and project.name is "lantern"'
    )
    task = session.query(query).first()
    with session.auto_populating(False):
        assert task["parent"]["name"] == task["ancestors"][-1]["name"]
        assert task["parent"]["status"]["name"] == "Not started"
