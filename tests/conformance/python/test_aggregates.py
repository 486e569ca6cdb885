"""Counts and sums by group, and search: what the JavaScript client's users send as operations."""

import pytest


@pytest.fixture()
def rows(call):
    def rows(expression):
        return call({"action": "query", "expression": expression}).json()[0]["data"]

    return rows


@pytest.fixture()
def refused(call):
    def refused(expression):
        return call({"action": "query", "expression": expression}).json()

    return refused


LANTERN = 'where project.name is "lantern"'


def test_a_count_without_groups_is_one_row(rows):
    assert rows("select count(id) from Task %s" % LANTERN) == [{"count_id": 8}]
    assert rows('select count(id), sum(bid) from Task where name is "nobody"') == [{"count_id": 0, "sum_bid": 0}]


def test_groups_have_a_row_each(rows, session):
    expected = {"animation": 2, "lighting": 2, "compositing": 2, "tracking": 2}
    found = rows("select count(id) from Task %s group by name" % LANTERN)
    assert {row["name"]: row["count_id"] for row in found} == expected
    by_key = rows("select project_id, status_id, count(id) from Task %s group by project_id, status_id" % LANTERN)
    lantern = session.query('Project where name is "lantern"').one()["id"]
    assert {row["project_id"] for row in by_key} == {lantern}
    assert sorted(row["count_id"] for row in by_key) == [2, 2, 4]
    assert all(set(row) == {"project_id", "status_id", "count_id"} for row in by_key)


def test_every_function_is_known(rows):
    row = rows("select sum(bid), avg(bid), min(name), max(name), count(description) from Task %s" % LANTERN)[0]
    assert row["sum_bid"] == 8 * 28800 and row["avg_bid"] == 28800
    assert (row["min_name"], row["max_name"]) == ("animation", "tracking")
    assert row["count_description"] == 8


def test_nothing_counts_for_nothing(rows):
    row = rows("select count(thumbnail_id), avg(thumbnail.size), max(end_date) from Task %s" % LANTERN)[0]
    assert row == {"count_thumbnail_id": 0, "avg_thumbnail_size": None, "max_end_date": None}


def test_groups_lead_over_relations(rows):
    found = rows('select count(id) from Task where parent.object_type.name is "Shot" group by project.name, status.state.short')
    lantern = {row["status_state_short"]: row["count_id"] for row in found if row["project_name"] == "lantern"}
    assert lantern == {"DONE": 2, "IN_PROGRESS": 2, "NOT_STARTED": 4}


def test_groups_are_ordered_and_cut_into_pages(call):
    def page(text):
        answer = call({"action": "query", "expression": "select count(id) from Task %s group by name order by name desc %s" % (LANTERN, text)})
        answer = answer.json()[0]
        return [row["name"] for row in answer["data"]], answer["metadata"]["next"]["offset"]

    assert page("") == (["tracking", "lighting", "compositing", "animation"], None)
    assert page("limit 3") == (["tracking", "lighting", "compositing"], 3)
    assert page("limit 3 offset 3") == (["animation"], None)


def test_times_come_out_as_times(rows):
    row = rows("select min(start), sum(duration) from Timelog where comment is \"blocking\"")[0]
    assert row == {"min_start": {"__type__": "datetime", "value": "2026-11-02T09:00:00"}, "sum_duration": 14400}


def test_the_python_client_hands_groups_through(session):
    answer = session.call([{"action": "query", "expression": "select count(id) from Shot %s group by parent.name" % LANTERN}])
    assert answer[0]["data"] == [{"parent_name": "sq100", "count_id": 2}]


@pytest.mark.parametrize(
    "expression, exception, words",
    [
        ("select name, count(id) from Task", "ValidationError", "name"),
        ("select count(id) from Task group by name order by bid", "ValidationError", "bid"),
        ("select count(nonsense) from Task", "ValidationError", "nonsense"),
        ("select median(bid) from Task", "ParseError", "count, sum, avg, min, max"),
        ("select count() from Task", "ParseError", "an attribute"),
        ("select count(id) from Task group name", "ParseError", "`by`"),
    ],
)
def test_mistakes_in_groups_are_told(refused, expression, exception, words):
    answer = refused(expression)
    assert answer["exception"] == exception and words in answer["content"]
