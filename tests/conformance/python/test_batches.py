"""Many operations at once: their order, what they may refer to, and that all of them hold or none."""

import uuid

import ftrack_api
import pytest
from conftest import name, refused


def create(kind, **data):
    return {"action": "create", "entity_type": kind, "entity_data": {"__entity_type__": kind, **data}}


def update(kind, key, **data):
    return {"action": "update", "entity_type": kind, "entity_key": [key], "entity_data": data}


def delete(kind, key):
    return {"action": "delete", "entity_type": kind, "entity_key": [key]}


def test_an_update_may_refer_to_what_is_created_later(call, shot):
    task, component = str(uuid.uuid4()), str(uuid.uuid4())
    answer = call(
        create("Task", id=task, name="comp", parent_id=shot["id"]),
        update("Task", task, thumbnail_id=component),
        create("FileComponent", id=component, name="thumbnail"),
    ).json()
    assert [each["action"] for each in answer] == ["create", "update", "create"]
    assert answer[1]["data"]["thumbnail_id"] == component


def test_the_answers_show_the_end_of_the_batch(call, shot):
    task = str(uuid.uuid4())
    first, second = call(
        create("Task", id=task, name="one", parent_id=shot["id"]), update("Task", task, name="two")).json()
    assert (first["data"]["name"], second["data"]["name"]) == ("two", "two")


def test_what_a_batch_creates_it_may_find_and_delete(call, shot):
    task = str(uuid.uuid4())
    answer = call(
        create("Task", id=task, name="short-lived", parent_id=shot["id"]),
        {"action": "query", "expression": "select name from Task where id is %s" % task},
        delete("Task", task),
        {"action": "query", "expression": "select name from Task where id is %s" % task},
    ).json()
    assert [row["name"] for row in answer[1]["data"]] == ["short-lived"]
    assert (answer[2]["data"], answer[3]["data"]) == (True, [])


def test_two_may_swap_their_names_by_way_of_a_third(call, session, shot):
    one, two = (session.create("Task", {"name": each, "parent": shot}) for each in ("one", "two"))
    session.commit()
    answer = call(update("Task", one["id"], name="aside"), update("Task", two["id"], name="one"), update("Task", one["id"], name="two"))
    assert [each["data"]["name"] for each in answer.json()] == ["two", "one", "two"]


@pytest.mark.parametrize(
    "bad, exception",
    [
        (create("Task", name="x"), "ValidationError"),
        (create("Nonsense", name="x"), "ValidationError"),
        (update("Task", "nobody", name="x"), "ValidationError"),
        ({"action": "query", "expression": "select nonsense from Task"}, "ValidationError"),
        ({"action": "query", "expression": "select from where"}, "ParseError"),
        ({"action": "dance"}, "ServerError"),
        ({}, "ValidationError"),
    ],
)
def test_one_bad_operation_undoes_the_whole_batch(call, session, shot, bad, exception):
    answer = call(
        create("Task", name="before", parent_id=shot["id"]), update("Shot", shot["id"], description="changed"), bad).json()
    assert answer["exception"] == exception
    seen = session.query("select description, children from Shot where id is %s" % shot["id"]).one()
    assert (seen["description"], list(seen["children"])) == (None, [])


def test_ids_and_keys_are_free_again_after_a_refused_batch(call, shot):
    task = str(uuid.uuid4())
    good = create("Task", id=task, name="again", parent_id=shot["id"])
    assert call(good, create("Task", name="again", parent_id=shot["id"])).json()["exception"] == "IntegrityError"
    assert call(good).json()[0]["data"]["id"] == task


def test_a_repeated_id_is_refused_whatever_the_type(call, shot, task):
    for kind in ("Task", "Shot"):
        answer = call(create(kind, id=task["id"], name=name(), parent_id=shot["id"])).json()
        assert answer["exception"] == "IntegrityError"
        assert task["id"] in answer["content"]


def test_a_thousand_entities_are_made_in_one_commit(session, shot, new_session):
    for number in range(1000):
        session.create("Task", {"name": "task%04d" % number, "parent": shot})
    session.commit()
    found = new_session().query('select name from Task where parent_id is "%s" order by name' % shot["id"]).all()
    assert [found[0]["name"], found[-1]["name"], len(found)] == ["task0000", "task0999", 1000]


def test_a_session_goes_on_after_a_refused_commit(session, shot, new_session):
    session.create("Task", {"name": "fine", "parent": shot})
    bad = session.create("Task", {"name": "bad", "parent_id": str(uuid.uuid4())})
    with pytest.raises(ftrack_api.exception.ServerError):
        session.commit()
    session.delete(bad)
    session.commit()
    assert [each["name"] for each in new_session().query('Task where parent_id is "%s"' % shot["id"])] == ["fine"]


def test_what_was_rolled_back_is_not_sent(session, task, new_session):
    task["name"] = "other"
    session.rollback()
    session.commit()
    assert new_session().get("Task", task["id"])["name"] == "anim"


def test_created_and_deleted_in_one_commit_is_never_there(session, shot, new_session):
    made = session.create("Task", {"name": "never", "parent": shot})
    session.delete(made)
    session.commit()
    assert new_session().query('Task where parent_id is "%s"' % shot["id"]).all() == []


def test_a_move_to_a_parent_made_in_the_same_commit(session, project, task, new_session):
    folder = session.create("Folder", {"name": "assets", "parent": project})
    task["parent"] = folder
    session.commit()
    assert [item["name"] for item in new_session().get("Task", task["id"])["link"]][1:] == ["assets", "anim"]


def test_a_name_is_free_once_its_bearer_has_moved(session, project, shot):
    twin = session.create("Shot", {"name": "sh010", "parent": project})
    session.commit()
    twin["parent"] = shot["parent"]
    assert "IntegrityError" in refused(session)
    session.delete(shot)
    session.commit()
    twin["parent_id"] = session.query('Sequence where project_id is "%s"' % project["id"]).one()["id"]
    session.commit()


def test_an_entity_is_merged_into_another_session(session, other_session, task, new_session):
    merged = other_session.merge(task)
    assert merged is not task
    assert (merged["name"], merged.session) == ("anim", other_session)
    merged["description"] = "from elsewhere"
    other_session.commit()
    assert new_session().get("Task", task["id"])["description"] == "from elsewhere"


def test_what_is_missing_is_populated_for_many_at_once(session, shot, new_session):
    for each in ("one", "two", "three"):
        session.create("Task", {"name": each, "parent": shot})
    session.commit()
    fresh = new_session()
    tasks = fresh.query('select id from Task where parent_id is "%s"' % shot["id"]).all()
    fresh.populate(tasks, "name, status.name, parent.name")
    with fresh.auto_populating(False):
        assert sorted((each["name"], each["status"]["name"], each["parent"]["name"]) for each in tasks) == [
            ("one", "Not started", "sh010"), ("three", "Not started", "sh010"), ("two", "Not started", "sh010")]
