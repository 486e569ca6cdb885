"""The query language, as the official client's users write it."""

import ftrack_api
import pytest


@pytest.fixture(scope="module")
def session(new_session):
    return new_session()


@pytest.fixture(scope="module")
def project(session):
    return session.query('Project where name is "harbour"').one()


def names(query):
    return sorted(entity["name"] for entity in query)


def test_a_project_shows_its_attributes(project):
    assert project["full_name"] == "Harbour"
    assert project["status"] == "active"
    assert project["project_schema"]["name"] == "VFX"
    assert project["link"] == [{"type": "Project", "id": project["id"], "name": "Harbour"}]


def test_rows_of_several_types_come_as_what_they_are(session, project):
    found = session.query('select name from TypedContext where project_id is "%s"' % project["id"]).all()
    assert {entity.entity_type for entity in found} == {
        "Episode", "Sequence", "Shot", "Task", "Folder", "AssetBuild", "Milestone",
    }


def test_context_finds_projects_and_what_is_below(session, project):
    kinds = {entity.entity_type for entity in session.query('Context where project_id is "%s"' % project["id"])}
    assert {"Project", "Shot"} <= kinds


def test_the_way_from_the_project_is_told(session):
    task = session.query(
        'Task where name is "animation" and parent.name is "sh010" and ancestors any (name is "ep01")'
    ).first()
    assert [item["name"] for item in task["link"]][:2] == ["Harbour", "ep01"]
    assert [item["type"] for item in task["link"]] == ["Project"] + ["TypedContext"] * 4
    assert [entity["name"] for entity in task["ancestors"]] == ["ep01", "sq010", "sh010"]


def test_relations_are_walked_in_projections(session):
    task = session.query(
        "select name, parent.name, project.full_name, status.state.short, type.name from Task"
        ' where name is "compositing" and project.name is "harbour"'
    ).first()
    with session.auto_populating(False):
        assert task["project"]["full_name"] == "Harbour"
        assert task["status"]["state"]["short"] == "NOT_STARTED"
        assert task["type"]["name"] == "Compositing"
        assert task["parent"]["name"].startswith("sh")


def test_what_was_not_selected_is_fetched_when_it_is_read(session):
    task = session.query('select id from Task where project.name is "harbour"').first()
    assert task["bid"] == 28800
    assert task["priority"]["name"] == "None"


def test_an_entity_carries_all_that_was_asked_wherever_it_comes_up(session):
    rows = session.query(
        'select parent.name, project.full_name from Sequence where project.name is "lantern"'
    ).all()
    with session.auto_populating(False):
        assert rows[0]["parent"]["name"] == "lantern"
        assert rows[0]["project"]["full_name"] == "Lantern"
        assert rows[0]["parent"] is rows[0]["project"]


@pytest.mark.parametrize(
    "criteria, expected",
    [
        ('name is "sq010"', {"sq010"}),
        ("name = 'sq010'", {"sq010"}),
        ("name=sq010", {"sq010"}),
        ('name is_not "sq010"', {"sq020"}),
        ('name != "sq010"', {"sq020"}),
        ('name in ("sq010", "sq020")', {"sq010", "sq020"}),
        ("name in (sq010,sq020)", {"sq010", "sq020"}),
        ('name not_in ("sq010")', {"sq020"}),
        ("name in ()", set()),
        ('name like "%01%"', {"sq010"}),
        ('name not_like "%01%"', {"sq020"}),
        ('name > "sq010"', {"sq020"}),
        ('name like "sq0\\_0"', set()),
        ('not name is "sq010"', {"sq020"}),
        ('(name is "sq010"and id is_not none)', {"sq010"}),
        ('name is "sq010" or name is "sq020"', {"sq010", "sq020"}),
        ('parent has (name is "ep01") and name is sq010', {"sq010"}),
        ('children any (name is "sh020")', {"sq010", "sq020"}),
        ('not children any (name is "sh020")', set()),
        ("children any ()", {"sq010", "sq020"}),
        ("notes any ()", set()),
        ('children.children.assignments.resource.username is "dana"', {"sq010", "sq020"}),
        ('children.children.assignments any (resource[User].username is "bo")', set()),
        ('id in (select parent_id from Shot where name is "sh030")', {"sq010", "sq020"}),
        ("created_at after 2020-01-01", {"sq010", "sq020"}),
        ('created_at < "2020-01-01T00:00:00+00:00"', set()),
        ("description is_not none", {"sq010", "sq020"}),
        ("thumbnail is none", {"sq010", "sq020"}),
    ],
)
def test_criteria(session, criteria, expected):
    query = 'select name from Sequence where project.name is "harbour" and (%s)' % criteria
    assert {entity["name"] for entity in session.query(query)} == expected


@pytest.mark.parametrize(
    "expression",
    [
        'select id, full_name, is_private from Project where id in ("a","b")',
        'Task where parent.id is "x" and type.name in ("Animation", "Layout")',
        'select link, parent from Context where (ancestors any (id = "x") or id = "y")',
        'AssetVersion where components.name is "main" and asset.parent.id is "x" and is_latest_version is True',
        "select version, asset.versions.version from AssetVersion where asset_id is_not None limit 1",
        "select components.name, components.component_locations.resource_identifier from AssetVersion where id is x",
        'Component where version.id is "x" and component_locations.location_id is "y"',
        'Note where note_label_links any (label.name is "Internal")',
        "select id, key, entity_type, object_type_id, is_hierarchical, default, config, type.name"
        " from CustomAttributeConfiguration order by sort",
        'Timelog where user.username is "ada" and start >= "2026-11-01" and start < "2026-12-01"',
        'select duration, user.username from Timelog where context_id in (select id from TypedContext where name is "x")',
        'User where memberships any (group.name is "compositing")',
        'Appointment where resource[Group].memberships any (user.username is "x")',
        'Setting where name is "storage_scenario" and group is "STORAGE"',
        'AssetVersionList where project.id is "x" and category.name is "dailies" and is_open is True',
        'ReviewSession where project.full_name is "Demo" and name like "%daily%" order by created_at descending',
        'ReviewSessionObject where review_session_id is "x" order by sort_order',
        'Job where user_id is "x" and status in ("running", "queued")',
        'Event where project_id is "x" and action like "change.status%" and created_at after "2026-11-01"'
        " order by id desc limit 50",
        'TypedContextStatusChange where parent_id is "x" order by date descending',
        'SchemaStatus where schema_id is "x" ',
    ],
)
def test_queries_found_in_the_wild_are_understood(session, expression):
    assert isinstance(list(session.query(expression)), list)


def test_conditions_on_custom_attributes_see_defaults(session):
    query = 'Shot where project.name is "lantern" and custom_attributes any (key is "fstart" and value > 1000)'
    assert names(session.query(query)) == ["sh010", "sh020"]
    assert session.query(query.replace("1000", "1001")).all() == []


def test_order_is_by_several_attributes_in_either_direction(session):
    found = session.query(
        'select name, parent.name from Shot where project.name is "harbour" order by parent.name desc, name asc'
    ).all()
    keys = [(shot["parent"]["name"], shot["name"]) for shot in found]
    assert keys == sorted(keys, key=lambda key: ([-ord(letter) for letter in key[0]], key[1]))


def test_pages_hold_each_row_once(session, project):
    expression = 'select id from Task where project_id is "%s" order by name' % project["id"]
    whole = [task["id"] for task in session.query(expression)]
    paged = [task["id"] for task in session.query(expression, page_size=7)]
    assert paged == whole
    assert len(set(whole)) == len(whole) > 40


def test_the_last_page_is_known_to_be_the_last(call):
    def page(text):
        return call({"action": "query", "expression": text}).json()[0]["metadata"]["next"]["offset"]

    assert page('select id from Sequence where project.name is "harbour" offset 0 limit 4') is None
    assert page('select id from Sequence where project.name is "harbour" limit 3 offset 0') == 3
    assert page('select id from Sequence where project.name is "harbour"') is None


def test_one_wants_exactly_one(session):
    with pytest.raises(ftrack_api.exception.MultipleResultsFoundError):
        session.query('Task where name is "compositing"').one()
    with pytest.raises(ftrack_api.exception.NoResultFoundError):
        session.query('Task where name is "no such task"').one()


def test_many_entities_are_populated_in_one_request(session, control):
    tasks = session.query('select id from Task where project.name is "lantern"').all()
    session.populate(tasks[:1], "name")
    control.delete("requests")
    session.populate(tasks, "description, status.name")
    assert control.get("requests")["count"] == 1
    with session.auto_populating(False):
        assert {task["status"]["name"] for task in tasks} == {"Approved", "In progress", "Not started"}


def test_project_schemas_tell_types_and_statuses(session, project):
    schema = project["project_schema"]
    assert "Compositing" in [kind["name"] for kind in schema.get_types("Task")]
    statuses = [status["name"] for status in schema.get_statuses("Task")]
    assert statuses[:2] == ["Not started", "In progress"]
    assert "Approved" in [status["name"] for status in schema.get_statuses("Shot")]
    assert "Approved" in [status["name"] for status in schema.get_statuses("AssetVersion")]
    assert "Modeling" in [kind["name"] for kind in schema.get_types("AssetBuild")]


@pytest.mark.parametrize(
    "expression, exception",
    [
        ("select nonsense from Task", "ValidationError"),
        ('Task where nonsense is "x"', "ValidationError"),
        ('Task where status.nonsense is "x"', "ValidationError"),
        ("Task where bid is many", "ValidationError"),
        ('Task where start_date > "soon"', "ValidationError"),
        ('Task where name is "bob"x"', "ParseError"),
        ("Task where name", "ParseError"),
        ("Task where (name is x", "ParseError"),
        ("Task where name is {braces} and", "ParseError"),
    ],
)
def test_mistakes_are_told_and_nothing_hangs(session, expression, exception):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.query(expression).all()
    assert exception in str(caught.value)


def test_an_unknown_type_is_refused(call):
    answer = call({"action": "query", "expression": "select id from Nonsense"}).json()
    assert answer["exception"] == "ValidationError"
    assert "Nonsense" in answer["content"]


def test_entities_are_counted_by_group(call):
    rows = call({"action": "query", "expression": "select count(id) from Task group by project.name"}).json()[0]["data"]
    assert {"project_name": "lantern", "count_id": 8} in rows


def test_search_wants_every_term_and_keeps_to_the_context(call, session):
    lantern = session.query('Project where name is "lantern"').one()["id"]
    search = {"action": "search", "expression": "select name from Shot", "entity_type": "Shot", "terms": ["SH01", "lan"]}
    assert [row["name"] for row in call(search).json()[0]["data"]] == ["sh010"]
    inside = dict(search, terms=["sh0"], context_id=lantern)
    assert sorted(row["name"] for row in call(inside).json()[0]["data"]) == ["sh010", "sh020"]
