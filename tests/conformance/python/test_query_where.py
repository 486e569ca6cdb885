"""Conditions on values: every operator, every type of value, every way of writing one."""

import datetime

import arrow
import ftrack_api
import pytest

from conftest import name


@pytest.fixture(scope="module")
def session(new_session):
    return new_session()


@pytest.fixture(scope="module")
def project(session):
    """Tasks that differ in everything a condition can ask for."""
    schema = session.query('ProjectSchema where name is "VFX"').one()
    project = session.create("Project", {"name": name("where"), "full_name": name("Where"), "project_schema": schema})
    for values in [
        {
            "name": "alpha",
            "bid": 3600,
            "sort": 1,
            "description": 'say "hi" to o\'hara',
            "start_date": arrow.get("2026-03-01T00:00:00+00:00"),
            "end_date": arrow.get("2026-03-01T12:30:00+00:00"),
        },
        {
            "name": "Beta",
            "bid": 7200.5,
            "sort": 2,
            "description": "100% done",
            "start_date": arrow.get("2026-03-02T08:00:00+02:00"),
        },
        {"name": "gamma_1", "bid": 0, "sort": 10, "description": "C:\\plates\\x", "end_date": arrow.get("2027-01-01")},
        {"name": "gammax1", "bid": 10800, "sort": 3, "description": "limit 5 offset 2 and order by none"},
        {"name": "été", "bid": 10, "sort": 4},
    ]:
        session.create("Task", dict(values, parent=project))
    session.commit()
    yield project
    session.delete(project)
    session.commit()


@pytest.fixture(scope="module")
def found(session, project):
    def find(criteria):
        query = 'select name from Task where project_id is "%s" and (%s)' % (project["id"], criteria)
        return {task["name"] for task in session.query(query)}

    return find


EVERY = {"alpha", "Beta", "gamma_1", "gammax1", "été"}


@pytest.mark.parametrize(
    "criteria, expected",
    [
        # Texts.
        ('name is "alpha"', {"alpha"}),
        ('name is "été"', {"été"}),
        ('name == "alpha"', {"alpha"}),
        ('name <> "alpha"', EVERY - {"alpha"}),
        ('name is not "alpha"', EVERY - {"alpha"}),
        ('name NOT IN ("alpha", "Beta")', EVERY - {"alpha", "Beta"}),
        ("name in ('alpha' , Beta,\"nobody\")", {"alpha", "Beta"}),
        ('name greater_than "gamma_0"', {"gamma_1", "gammax1", "été"}),
        ('name less_than "b"', {"alpha", "Beta"}),
        # Patterns.
        ('name like "ALPHA"', {"alpha"}),
        ('name like "gamma_1"', {"gamma_1", "gammax1"}),
        ('name like "gamma\\_1"', {"gamma_1"}),
        ('name like "%a"', {"alpha", "Beta"}),
        ('name like "ÉT%"', {"été"}),
        ('name not like "%a%"', {"été"}),
        ('description like "%100\\%%"', {"Beta"}),
        ('description not_like "%done%"', EVERY - {"Beta"}),
        # Quotes and escapes.
        ('description is "say \\"hi\\" to o\'hara"', {"alpha"}),
        ("description is 'say \"hi\" to o\\'hara'", {"alpha"}),
        ('description is "C:\\\\plates\\\\x"', {"gamma_1"}),
        # Numbers.
        ("bid is 3600", {"alpha"}),
        ('bid is "3600"', {"alpha"}),
        ("bid is 3600.0", {"alpha"}),
        ("bid > 7200", {"Beta", "gammax1"}),
        ("bid >= 7200.5 and bid<=10800", {"Beta", "gammax1"}),
        ("bid in (0, 10)", {"gamma_1", "été"}),
        ("sort > 9", {"gamma_1"}),
        # Nothing.
        ("description is none", {"été"}),
        ("description is None", {"été"}),
        ("description is_not null", EVERY - {"été"}),
        ('description is "none"', set()),
        ("end_date is none", EVERY - {"alpha", "gamma_1"}),
        # Dates.
        ('start_date is "2026-03-01"', {"alpha"}),
        ("start_date is 2026-03-01T00:00:00", {"alpha"}),
        ('start_date is "2026-03-01 00:00"', {"alpha"}),
        ('start_date is "2026-03-02T06:00:00Z"', {"Beta"}),
        ('start_date is "2026-03-02T08:00:00.250000+02:00"', {"Beta"}),
        ('start_date is "2026-03-02T01:30:00-0430"', {"Beta"}),
        ('start_date after "2026-03-01"', {"Beta"}),
        ('start_date before "2026-03-02T06:00:00"', {"alpha"}),
        ('start_date before "2026-03-02T08:00:01+02:00"', {"alpha", "Beta"}),
        ('end_date >= "2026-03-01 12:30:00" and end_date < "2027-01-01"', {"alpha"}),
        ('start_date is_not "2026-03-01"', EVERY - {"alpha"}),
        # Together.
        ('name is alpha or name is Beta and sort is 1', {"alpha"}),
        ('(name is alpha or name is Beta) and sort is 2', {"Beta"}),
        ('not (name is alpha or name is Beta)', EVERY - {"alpha", "Beta"}),
        ('not name is alpha and not name is Beta and not sort > 3', {"gammax1"}),
        ('not not name is alpha', {"alpha"}),
        ('((name is "alpha"))or(name is "Beta")', {"alpha", "Beta"}),
        ("name\n\tis\n  'alpha'\n", {"alpha"}),
        ("NAME_IS_NOT_A_KEYWORD is 1", None),
    ],
)
def test_a_condition_finds_what_it_says(found, criteria, expected):
    if expected is None:
        with pytest.raises(ftrack_api.exception.ServerError) as caught:
            found(criteria)
        assert "Attribute NAME_IS_NOT_A_KEYWORD does not exist on Task." in str(caught.value)
    else:
        assert found(criteria) == expected


def test_a_time_object_written_into_a_query_is_understood(found, session, project):
    alpha = session.query('Task where name is "alpha" and project_id is "%s"' % project["id"]).one()
    assert found('start_date is "%s"' % alpha["start_date"]) == {"alpha"}
    assert found('start_date < "%s"' % arrow.get("2026-03-02T00:00:00+00:00").isoformat()) == {"alpha"}
    assert found('start_date < "%s"' % datetime.datetime(2026, 3, 2).isoformat()) == {"alpha"}


def test_ensure_finds_what_it_would_have_made(session, project):
    identity = {"name": "ensured", "parent": project, "sort": 7}
    made = session.ensure("Milestone", identity, ["name", "sort"])
    again = session.ensure("Milestone", dict(identity, description="found"), ["name", "sort"])
    assert again["id"] == made["id"]
    assert again["description"] == "found"


def test_a_flag_is_compared_in_every_spelling(session):
    expected = {user["id"] for user in session.query("User where is_active is true")}
    assert len(expected) >= 2
    for spelling in ["True", "TRUE", '"true"', "1", '"1"']:
        assert {user["id"] for user in session.query("User where is_active is %s" % spelling)} == expected
    assert not expected & {user["id"] for user in session.query("User where is_active is False")}


def test_words_of_the_language_are_attributes_where_an_attribute_stands(session):
    setting = session.create("Setting", {"name": name("limit"), "group": "order", "value": "by"})
    session.commit()
    query = 'select value, group from Setting where name is "%s" and group is order and value is by' % setting["name"]
    assert [row["value"] for row in session.query(query)] == ["by"]
    session.delete(setting)
    session.commit()


@pytest.mark.parametrize(
    "criteria, words",
    [
        ("bid is soon", "soon"),
        ("bid > soon", "number"),
        ("bid in (1, many)", "many"),
        ("assignments any (nope is 1)", "Attribute nope does not exist on Appointment."),
        ('start_date is "31.12.2026"', "datetime"),
        ('start_date after "2026-02-30"', "datetime"),
        ("name has (id is 1)", "not a relation"),
        ("frobnicate is 1", "Attribute frobnicate does not exist on Task."),
        ("status.frobnicate is 1", "Attribute frobnicate does not exist on Status."),
        ("parent[Nonsense].name is x", "Nonsense"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_validation_error(found, criteria, words):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        found(criteria)
    assert "ValidationError" in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize(
    "expression, place",
    [
        ("select from Task", 12),
        ("select name Task", 12),
        ("Task where name is", 18),
        ("Task where name is x or", 23),
        ("Task where name in (a, b", 24),
        ("Task where (name is x", 21),
        ("Task where name is x)", 20),
        ('Task where name is "x', 19),
        ("Task order name", 11),
        ("Task limit -1", 11),
        ("Task where name ~ x", 16),
    ],
)
def test_a_malformed_query_is_told_with_the_place(call, expression, place):
    answer = call({"action": "query", "expression": expression}).json()
    assert answer["exception"] == "ParseError"
    assert answer["content"].endswith("at position %d" % place)


def test_a_mistake_is_placed_for_whoever_shows_the_query(call):
    answer = call({"action": "query", "expression": "Task where status.nope is 1"}).json()
    assert answer["content"] == "Attribute nope does not exist on Status."
    assert answer["error"] == {"position": 11}
