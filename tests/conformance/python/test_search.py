"""The `search` operation, which only the JavaScript client's users send."""

import pytest


@pytest.fixture()
def search(call):
    def search(expression, *terms, **more):
        return call(dict({"action": "search", "expression": expression, "terms": list(terms)}, **more)).json()

    return search


@pytest.fixture()
def named(search):
    def named(*arguments, **more):
        return sorted(row["name"] for row in search(*arguments, **more)[0]["data"])

    return named


def test_every_term_must_be_met_in_any_letter_case(named):
    assert named("select name from Shot", "SH010", "lantern") == ["sh010"]
    assert named("select name from Shot", "sh010", "nowhere") == []


def test_a_term_may_be_met_by_what_an_entity_lies_below(named):
    assert named('select name from Task where name is "tracking"', "lantern", "sq100") == ["tracking"] * 2


def test_the_expression_narrows_orders_and_pages(search):
    expression = 'select name from Task where project.name is "lantern" order by name desc limit 3'
    first = search(expression, "lantern")[0]
    assert first["action"] == "search"
    assert [row["name"] for row in first["data"]] == ["tracking", "tracking", "lighting"]
    assert first["metadata"]["next"]["offset"] == 3
    last = search(expression.replace("limit 3", "limit 3 offset 6"), "lantern")[0]
    assert [row["name"] for row in last["data"]] == ["animation", "animation"]
    assert last["metadata"]["next"]["offset"] is None


def test_the_expression_says_what_is_shown(search):
    row = search("select name, parent.name from Shot", "sh020", "lantern")[0]["data"][0]
    assert (row["name"], row["parent"]["name"], row["__entity_type__"]) == ("sh020", "sq100", "Shot")


def test_a_context_holds_the_search_to_what_is_below(named, session):
    episode = session.query('Episode where name is "ep02"').one()["id"]
    assert named("select name from Sequence", "sq", context_id=episode) == ["sq010", "sq020"]
    lantern = session.query('Project where name is "lantern"').one()["id"]
    assert named("select name from Sequence", "sq", context_id=lantern) == ["sq100"]
    assert named("select name from Sequence", "sq", context_id="nowhere") == []


def test_kinds_of_context_are_chosen_by_object_type(named, session):
    shot = session.query('ObjectType where name is "Shot"').one()["id"]
    sequence = session.query('ObjectType where name is "Sequence"').one()["id"]
    assert named("select name from TypedContext", "lantern", object_type_ids=[shot]) == ["sh010", "sh020"]
    assert named("select name from TypedContext", "lantern", object_type_ids=[shot, sequence]) == ["sh010", "sh020", "sq100"]


def test_people_are_searched_by_all_their_names(search):
    found = search("select username from User", "ada")[0]["data"]
    assert "ada" in [row["username"] for row in found]
    assert search("select username from User", "ada@example.com")[0]["data"] == found


def test_versions_are_searched_by_where_they_are(search):
    found = search("select version from AssetVersion", "harbour", "sh010")[0]["data"]
    assert sorted(row["version"] for row in found) == [1, 2]


def test_no_terms_find_everything(named):
    assert named('select name from Sequence where project.name is "lantern"') == ["sq100"]


def test_a_search_without_an_expression_is_refused(call):
    answer = call({"action": "search", "terms": ["x"]}).json()
    assert answer["exception"] == "ValidationError"


def test_mistakes_in_the_expression_are_told(search):
    assert search("select nonsense from Task", "x")["exception"] == "ValidationError"
    assert search("select name from", "x")["exception"] == "ParseError"
