"""Custom attributes: how they are configured, and what their values may be."""

import json

import arrow
import pytest
from conftest import name, refused

CHOICES = json.dumps([{"menu": "Foo", "value": "foo"}, {"menu": "Bar", "value": "bar"}])


def custom(session, entity):
    """Custom attributes as a client sees them that knows nothing yet."""
    query = "select custom_attributes from %s where id is %s" % (entity.entity_type, entity["id"])
    return session.query(query).one()["custom_attributes"]


@pytest.fixture()
def configure(session, made):
    """Makes configurations: `configure("text", "assetversion", default="x")`."""

    def make(kind, place, **data):
        kind = session.query('CustomAttributeType where name is "%s"' % kind).one()
        object_type = session.query('ObjectType where name is "%s"' % place).first()
        roles = session.query("SecurityRole").all()
        key = name("key")
        place = {"entity_type": place} if object_type is None else {"entity_type": "task", "object_type_id": object_type["id"]}
        data = {"key": key, "label": key, "type": kind, "config": "{}",
                "read_security_roles": roles, "write_security_roles": roles, **place, **data}
        one = session.create("CustomAttributeConfiguration", data)
        session.commit()
        made.append(one)
        return one

    return make


@pytest.mark.parametrize(
    "kind, config, default, value",
    [
        ("text", {"markdown": False}, "none", "some"),
        ("url", {}, None, "http://example.com"),
        ("number", {"isdecimal": False}, 42, 7),
        ("number", {"isdecimal": True}, 23.976, 59.94),
        ("boolean", {}, True, False),
        ("date", {}, arrow.Arrow(2017, 2, 8), arrow.Arrow(2026, 3, 2, 9, 30)),
        ("enumerator", {"multiSelect": False, "data": CHOICES}, ["foo"], ["bar"]),
        ("enumerator", {"multiSelect": True, "data": CHOICES}, ["bar"], ["foo", "bar"]),
        ("dynamic enumerator", {"multiSelect": True}, [], ["x", "y"]),
    ],
)
def test_every_kind_has_its_default_and_takes_a_value(session, new_session, configure, shot, kind, config, default, value):
    key = configure(kind, "Shot", config=json.dumps(config), default=default)["key"]
    assert custom(new_session(), shot)[key] == default
    mine = new_session().get("Shot", shot["id"])
    mine["custom_attributes"][key] = value
    mine.session.commit()
    assert mine["custom_attributes"][key] == value
    assert custom(new_session(), shot)[key] == value


def test_an_expression_is_shown_and_not_computed(shot, other_session):
    assert custom(other_session, shot)["duration"] == "{self.fend - self.fstart + 1}"


@pytest.mark.parametrize(
    "kind, config, value, got",
    [
        ("number", {}, "test", 'must be of type number. Got "test" of type <type \'unicode\'>'),
        ("text", {}, 5, "must be of type text. Got 5 of type <type 'int'>"),
        ("boolean", {}, "yes", 'must be of type boolean. Got "yes"'),
        ("boolean", {}, 1, "must be of type boolean"),
        ("date", {}, "soon", "must be of type date"),
        ("enumerator", {"multiSelect": True, "data": CHOICES}, "foo", "must be of type list"),
        ("enumerator", {"multiSelect": False, "data": CHOICES}, ["foo", "bar"], "must be of type list of one"),
        ("enumerator", {"multiSelect": True, "data": CHOICES}, [1], "must be of type list"),
    ],
)
def test_a_value_of_another_type_is_refused_in_the_words_of_the_server(new_session, configure, shot, kind, config, value, got):
    default = None if kind != "enumerator" else []
    made = configure(kind, "Shot", config=json.dumps(config), default=default)
    mine = new_session().get("Shot", shot["id"])
    mine["custom_attributes"][made["key"]] = value
    said = refused(mine.session)
    assert 'ValidationError(Custom attribute value for "%s" ' % made["key"] in said
    assert got in said


def test_a_value_can_be_taken_away(session, new_session, shot):
    shot["custom_attributes"]["fstart"] = None
    session.commit()
    assert custom(new_session(), shot)["fstart"] is None


@pytest.mark.parametrize("place", ["show", "assetversion", "asset", "user", "list"])
def test_everything_may_have_custom_attributes(session, new_session, configure, project, shot, place):
    key = configure("text", place, default="nothing")["key"]
    fresh = new_session()
    if place == "show":
        owner = fresh.get("Project", project["id"])
    elif place == "user":
        owner = fresh.query('User where username is "dana"').one()
    elif place == "list":
        category = fresh.query("ListCategory").first()
        owner = fresh.create("TypedContextList", {"name": "all", "project_id": project["id"], "category": category})
    else:
        owner = fresh.create("Asset", {"name": "walk", "parent": fresh.get("Shot", shot["id"])})
        if place == "assetversion":
            owner = fresh.create("AssetVersion", {"asset": owner})
    fresh.commit()
    assert owner["custom_attributes"][key] == "nothing"
    owner["custom_attributes"][key] = "something"
    fresh.commit()
    assert custom(new_session(), owner)[key] == "something"


def test_an_attribute_of_one_object_type_is_on_no_other(new_session, configure, shot, task):
    key = configure("text", "Shot", default="")["key"]
    fresh = new_session()
    assert key in custom(fresh, shot)
    with pytest.raises(KeyError):
        custom(fresh, task)[key]


def test_an_attribute_of_a_project_is_in_no_other(session, new_session, configure, project, shot):
    key = configure("text", "Shot", default="here", project_id=project["id"])["key"]
    elsewhere = session.query('Shot where project.name is "harbour"').first()
    fresh = new_session()
    assert custom(fresh, shot)[key] == "here"
    with pytest.raises(KeyError):
        custom(fresh, elsewhere)[key]


def test_an_attribute_of_a_project_hides_the_general_one(new_session, configure, project, shot):
    general = configure("text", "Shot", default="general")
    configure("text", "Shot", key=general["key"], default="own", project_id=project["id"])
    assert custom(new_session(), shot)[general["key"]] == "own"


def test_a_hierarchical_value_is_found_by_walking_up(session, new_session, configure, project, shot, task):
    key = configure("number", "show", is_hierarchical=True, default=24)["key"]
    top = new_session().get("Project", project["id"])
    top["custom_attributes"][key] = 25
    top.session.commit()
    fresh = new_session()

    def effective(entity):
        while entity is not None:
            value = entity["custom_attributes"][key]
            if value is not None:
                return value
            entity = entity["parent"]
        return fresh.query('CustomAttributeConfiguration where key is "%s"' % key).one()["default"]

    mine = fresh.get("Task", task["id"])
    assert mine["custom_attributes"][key] is None
    assert effective(mine) == 25
    mine["parent"]["custom_attributes"][key] = 30
    fresh.commit()
    assert effective(mine) == 30
    assert effective(fresh.query('Shot where project.name is "harbour"').first()) == 24


def test_a_new_default_is_that_of_every_value_not_set(session, new_session, configure, shot):
    made = configure("number", "Shot", default=1)
    made["default"] = 43
    session.commit()
    assert custom(new_session(), shot)[made["key"]] == 43


def test_the_default_of_a_date_is_kept_as_a_text(session, configure, call):
    made = configure("date", "Shot", default=arrow.Arrow(2024, 6, 22))
    query = {"action": "query", "expression": "select default from CustomAttributeConfiguration where id is %s" % made["id"]}
    assert call(query).json()[0]["data"][0]["default"] == "2024-06-22T00:00:00.000Z"


@pytest.mark.parametrize(
    "data, word",
    [
        ({"entity_type": "planet"}, "planet is no type of entity"),
        ({"entity_type": "task"}, "object_type_id of CustomAttributeConfiguration is required"),
        ({"key": ""}, "key of CustomAttributeConfiguration is required"),
        ({"config": "{"}, "must be JSON"),
        ({"default": 5}, "must be of type text"),
        ({"entity_type": "user", "project_id": "p"}, "cannot belong to a project"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(session, data, word):
    kind = session.query('CustomAttributeType where name is "text"').one()
    session.create("CustomAttributeConfiguration", {"key": name("key"), "label": "x", "type": kind, "entity_type": "show", **data})
    said = refused(session)
    assert "ValidationError" in said and word in said


def test_a_key_is_used_once_at_each_place(session, configure):
    made = configure("text", "assetversion", default="")
    session.create("CustomAttributeConfiguration", {
        "key": made["key"], "label": "x", "type": made["type"], "entity_type": "assetversion"})
    assert "IntegrityError" in refused(session)


def test_what_a_configuration_is_stays(session, configure, project):
    made = configure("text", "assetversion", default="")
    made["type"] = session.query('CustomAttributeType where name is "number"').one()
    assert "type of a custom attribute cannot be changed" in refused(session)
    made["project_id"] = project["id"]
    assert "cannot be bound to a project" in refused(session)


def test_a_configuration_may_become_global(session, configure, project, new_session):
    made = configure("text", "Shot", default="here", project_id=project["id"])
    made["project_id"] = None
    session.commit()
    elsewhere = session.query('Shot where project.name is "harbour"').first()
    assert custom(new_session(), elsewhere)[made["key"]] == "here"


def test_a_deleted_configuration_takes_its_values_along(session, new_session, configure, shot, call):
    made = configure("text", "Shot", default="")
    fresh = new_session()
    fresh.get("Shot", shot["id"])["custom_attributes"][made["key"]] = "kept"
    fresh.commit()
    call({"action": "delete", "entity_type": "CustomAttributeConfiguration", "entity_key": [made["id"]]})
    with pytest.raises(KeyError):
        custom(new_session(), shot)[made["key"]]
    query = 'select value from ContextCustomAttributeValue where configuration_id is "%s"' % made["id"]
    assert call({"action": "query", "expression": query}).json()[0]["data"] == []


def test_a_value_is_only_for_what_its_configuration_applies_to(call, session, configure, task):
    made = configure("text", "Shot", default="")
    said = call({"action": "update", "entity_type": "ContextCustomAttributeValue", "entity_key": [made["id"], task["id"]],
                 "entity_data": {"value": "x"}}).json()
    assert said["exception"] == "ValidationError"
    assert made["key"] in said["content"]


def test_configurations_are_grouped(session, configure):
    group = session.query('CustomAttributeGroup where name is "Production"').one()
    made = configure("text", "Shot", default="", group=group)
    keys = [each["key"] for each in session.query(
        "select custom_attribute_configurations.key from CustomAttributeGroup where id is %s" % group["id"]
    ).one()["custom_attribute_configurations"]]
    assert made["key"] in keys and "fstart" in keys


def test_an_attribute_that_names_no_role_is_shown_to_nobody(new_session, configure, shot):
    key = configure("text", "Shot", default="", read_security_roles=[], write_security_roles=[])["key"]
    with pytest.raises(KeyError):
        custom(new_session(), shot)[key]


def test_an_attribute_is_read_and_written_by_the_roles_it_names(session, new_session, configure, shot, read_only_session):
    admins = session.query('SecurityRole where name is "Administrator"').all()
    everyone = session.query("SecurityRole").all()
    secret = configure("text", "Shot", default="hush", read_security_roles=admins, write_security_roles=admins)["key"]
    shown = configure("text", "Shot", default="look", read_security_roles=everyone, write_security_roles=[])["key"]
    mine = new_session().get("Shot", shot["id"])
    assert (mine["custom_attributes"][secret], custom(read_only_session, shot)[shown]) == ("hush", "look")
    with pytest.raises(KeyError):
        custom(read_only_session, shot)[secret]
    mine["custom_attributes"][shown] = "changed"
    assert 'not permitted to set the custom attribute "%s"' % shown in refused(mine.session)
    mine["custom_attributes"][secret] = "changed"
    mine.session.commit()
    query = 'Shot where id is "%s" and custom_attributes any (key is "%s" and value is "changed")' % (shot["id"], secret)
    assert len(mine.session.query(query).all()) == 1
    assert read_only_session.query(query).all() == []
