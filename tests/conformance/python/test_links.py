"""What ties entities together: custom attribute links, dependencies, versions that use versions."""

import ftrack_api
import pytest
from conftest import name, refused


@pytest.fixture()
def configure(session, made):
    """Makes link configurations: `configure("Task", "user", one_to_one=True)`."""

    def end(place, word, object_type):
        found = session.query('ObjectType where name is "%s"' % place).first()
        return {word: place} if found is None else {word: "task", object_type: found["id"]}

    def make(place, place_to, one_to_one=False):
        roles = session.query("SecurityRole").all()
        key = name("link")
        one = session.create("CustomAttributeLinkConfiguration", {
            "key": key, "label": key, "config": "{}", "one_to_one": one_to_one,
            "read_security_roles": roles, "write_security_roles": roles,
            **end(place, "entity_type", "object_type_id"), **end(place_to, "entity_type_to", "object_type_id_to")})
        session.commit()
        made.append(one)
        return one

    return make


def tie(session, configuration, from_id, to_id):
    link = session.create("CustomAttributeLink", {
        "configuration_id": configuration["id"], "from_id": from_id, "to_id": to_id})
    session.commit()
    return link


def test_a_link_is_found_from_both_ends(session, configure, task, user):
    supervisor = configure("Task", "user")
    tie(session, supervisor, task["id"], user["id"])
    tasks = session.query(
        'select name from Task where custom_attribute_links any (configuration.key is "%s" and user.username is "%s")'
        % (supervisor["key"], user["username"])).all()
    assert [each["id"] for each in tasks] == [task["id"]]
    users = session.query(
        'select username from User where custom_attribute_links_from any (configuration.key is "%s" and context.bid < 1)'
        % supervisor["key"]).all()
    assert [each["username"] for each in users] == [user["username"]]
    assert session.query(
        'User where custom_attribute_links_from any (configuration.key is "%s" and context.bid > 1)' % supervisor["key"]).all() == []


def test_the_values_of_links_are_read_from_the_links(session, configure, task, user, new_session):
    supervisor = configure("Task", "user")
    tie(session, supervisor, task["id"], user["id"])
    links = new_session().query(
        'select user from CustomAttributeLink where configuration.key = "%s" and from_id = "%s"'
        % (supervisor["key"], task["id"])).all()
    assert [(link.entity_type, link["user"]["username"]) for link in links] == [("UserCustomAttributeLink", user["username"])]


def test_a_link_knows_what_it_ties(session, configure, task, user, new_session):
    made = tie(session, configure("Task", "user"), task["id"], user["id"])
    link = new_session().query('UserCustomAttributeLink where id is "%s"' % made["id"]).one()
    assert (link["from_id"], link["from_entity_type"]) == (task["id"], "Task")
    assert (link["to_id"], link["to_entity_type"]) == (user["id"], "User")
    other = new_session().query('ContextCustomAttributeLinkFrom where to_id is "%s" and from_id is "%s"' % (user["id"], task["id"])).one()
    assert other["context"]["id"] == task["id"]


@pytest.mark.parametrize(
    "place, relation",
    [("show", "context"), ("Shot", "context"), ("asset_version", "asset_version"), ("asset", "asset"),
     ("user", "user"), ("group", "group"), ("list", "list"), ("component", "component")],
)
def test_a_link_may_lead_to_every_kind_of_entity(session, configure, project, shot, task, user, place, relation):
    asset = session.create("Asset", {"name": "walk", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset})
    targets = {
        "show": project, "Shot": shot, "asset": asset, "asset_version": version, "user": user,
        "group": session.query("Group").first(),
        "list": session.create("TypedContextList", {
            "name": "all", "project": project, "category": session.query("ListCategory").first()}),
        "component": session.create("FileComponent", {"name": "main", "version": version}),
    }
    session.commit()
    configuration = configure("Task", place)
    tie(session, configuration, task["id"], targets[place]["id"])
    link = session.query('select %s from CustomAttributeLink where configuration_id is "%s"' % (relation, configuration["id"])).one()
    assert link[relation]["id"] == targets[place]["id"]


def test_links_cannot_be_projected(session, task):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.call([{"action": "query", "expression": "select custom_attribute_links from Task where id is %s" % task["id"]}])
    assert "can only be filtered by" in str(caught.value)


def test_a_single_relation_takes_one_link(session, configure, task, user):
    single, several = configure("Task", "user", one_to_one=True), configure("Task", "user")
    dana = session.query('User where username is "dana"').one()
    for configuration in (single, several):
        tie(session, configuration, task["id"], user["id"])
    tie(session, several, task["id"], dana["id"])
    session.create("CustomAttributeLink", {"configuration_id": single["id"], "from_id": task["id"], "to_id": dana["id"]})
    assert "IntegrityError" in refused(session)


def test_the_same_link_is_made_once(session, configure, task, user):
    configuration = configure("Task", "user")
    tie(session, configuration, task["id"], user["id"])
    session.create("CustomAttributeLink", {"configuration_id": configuration["id"], "from_id": task["id"], "to_id": user["id"]})
    assert "IntegrityError" in refused(session)


def test_a_link_leads_only_where_its_configuration_says(session, configure, task, shot, user):
    configuration = configure("Task", "Shot")
    session.create("CustomAttributeLink", {"configuration_id": configuration["id"], "from_id": task["id"], "to_id": user["id"]})
    assert "to_id refers to TypedContext" in refused(session)
    session.create("CustomAttributeLink", {"configuration_id": configuration["id"], "from_id": shot["id"], "to_id": shot["id"]})
    assert "from_id refers to TypedContext" in refused(session)


def test_a_deleted_link_is_gone_from_both_ends(session, configure, task, user, call):
    configuration = configure("Task", "user")
    link = tie(session, configuration, task["id"], user["id"])
    session.delete(link)
    session.commit()
    for kind in ("CustomAttributeLink", "CustomAttributeLinkFrom"):
        assert session.query('%s where configuration_id is "%s"' % (kind, configuration["id"])).all() == []


def test_an_entity_takes_its_links_along(session, configure, shot, user):
    configuration = configure("Task", "user")
    task = session.create("Task", {"name": "comp", "parent": shot})
    session.commit()
    tie(session, configuration, task["id"], user["id"])
    session.delete(task)
    session.commit()
    for kind in ("CustomAttributeLink", "CustomAttributeLinkFrom"):
        assert session.query('%s where configuration_id is "%s"' % (kind, configuration["id"])).all() == []


@pytest.mark.parametrize(
    "data, word",
    [
        ({"entity_type_to": "planet"}, "planet is no type of entity"),
        ({"entity_type_to": "task"}, "object_type_id_to of CustomAttributeLinkConfiguration is required"),
        ({"key": ""}, "key of CustomAttributeLinkConfiguration is required"),
    ],
)
def test_a_link_that_leads_nowhere_cannot_be_configured(session, data, word):
    session.create("CustomAttributeLinkConfiguration", {
        "key": name("link"), "label": "x", "config": "{}", "entity_type": "show", "entity_type_to": "user", **data})
    assert word in refused(session)


def test_dependencies_say_how_they_hold(session, shot, task, new_session):
    after = session.create("Task", {"name": "comp", "parent": shot})
    link = session.create("TypedContextLink", {"from": task, "to": after, "lag": 2})
    session.commit()
    seen = new_session().get("TypedContextLink", link["id"])
    assert (seen["type"], seen["lag"]) == ("end_to_start", 2)
    link["type"] = "start_to_start"
    session.commit()
    assert new_session().get("TypedContextLink", link["id"])["type"] == "start_to_start"
    link["type"] = "whenever"
    assert "must be one of" in refused(session)


def test_a_dependency_goes_with_either_end(session, shot, task):
    after = session.create("Task", {"name": "comp", "parent": shot})
    link = session.create("TypedContextLink", {"from": task, "to": after})
    session.commit()
    session.delete(after)
    session.commit()
    assert session.query("TypedContextLink where id is %s" % link["id"]).all() == []


def test_links_of_versions_are_seen_from_both_versions(session, shot, new_session):
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    used, user = (session.create("AssetVersion", {"asset": asset}) for _ in range(2))
    session.create("AssetVersionLink", {"from": used, "to": user})
    session.commit()
    fresh = new_session()
    assert [each["id"] for each in fresh.get("AssetVersion", user["id"])["uses_versions"]] == [used["id"]]
    assert [each["id"] for each in fresh.get("AssetVersion", used["id"])["used_in_versions"]] == [user["id"]]
    assert fresh.get("AssetVersion", used["id"])["outgoing_links"][0]["to"]["id"] == user["id"]
