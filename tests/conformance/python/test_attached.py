"""What hangs on entities: custom attributes, metadata, notes, timers and time logs."""

import ftrack_api
import pytest


def custom(session, entity):
    """Custom attributes as a client sees them that knows nothing yet."""
    fresh = session.query("select custom_attributes from %s where id is %s" % (entity.entity_type, entity["id"])).one()
    return fresh["custom_attributes"]


def test_custom_attributes_are_there_with_their_defaults(shot, other_session):
    seen = custom(other_session, shot)
    assert (seen["fstart"], seen["fend"], seen["handles"]) == (1001, 1100, 8)
    assert seen["difficulty"] == ["medium"]
    assert seen["is_client_approved"] is False
    assert seen["delivery_date"] is None


@pytest.mark.parametrize(
    "key, value",
    [
        ("fstart", 1010),
        ("is_client_approved", True),
        ("elements", ["plate", "hdri"]),
        ("difficulty", ["hard"]),
    ],
)
def test_custom_attributes_can_be_set_and_set_again(session, shot, other_session, key, value):
    shot["custom_attributes"][key] = value
    session.commit()
    assert shot["custom_attributes"][key] == value
    assert custom(other_session, shot)[key] == value


def test_custom_attributes_of_a_new_entity_go_along_with_it(session, shot, other_session):
    task = session.create("Task", {"name": "comp", "parent": shot, "custom_attributes": {"brief": "slowly"}})
    session.commit()
    assert custom(other_session, task)["brief"] == "slowly"


def test_a_custom_attribute_of_the_wrong_type_is_refused(session, shot):
    shot["custom_attributes"]["fstart"] = "first"
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.commit()
    assert "must be of type number" in str(caught.value)
    session.rollback()


def test_an_unknown_custom_attribute_is_a_key_error(shot):
    with pytest.raises(KeyError):
        shot["custom_attributes"]["nonsense"] = 1


def test_a_value_that_nobody_set_can_be_queried(call, session, shot):
    configuration = session.query('CustomAttributeConfiguration where key is "fstart"').one()["id"]
    row = call({"action": "query", "expression":
                'select value from ContextCustomAttributeValue where (configuration_id is "%s"and entity_id is "%s")'
                ' offset 0 limit 500' % (configuration, shot["id"])}).json()[0]["data"]
    assert [(each["value"], each["key"]) for each in row] == [(1001, "fstart")]


def test_hierarchical_attributes_are_unset_until_someone_sets_them(session, shot, project, call):
    fps = session.query('CustomAttributeConfiguration where key is "fps"').one()
    assert fps["is_hierarchical"] is True

    def rows():
        answer = call({"action": "query", "expression":
                       'select value, entity_id from ContextCustomAttributeValue where configuration_id is "%s"'
                       ' and entity_id in ("%s", "%s")' % (fps["id"], shot["id"], project["id"])})
        return {row["entity_id"]: row["value"] for row in answer.json()[0]["data"]}

    assert rows() == {shot["id"]: None, project["id"]: None}
    project["custom_attributes"]["fps"] = 25
    session.commit()
    assert rows() == {shot["id"]: None, project["id"]: 25}


def test_entities_are_found_by_what_their_custom_attributes_say(session, project, shot):
    shot["custom_attributes"]["fstart"] = 977
    session.commit()
    query = 'Shot where project_id is "%s" and custom_attributes any (key is "fstart" and value is "%s")'
    assert [found["id"] for found in session.query(query % (project["id"], 977))] == [shot["id"]]
    assert session.query(query % (project["id"], 1001)).all() == []


def test_metadata_is_a_mapping(session, task, other_session):
    task["metadata"]["a"] = "1"
    task["metadata"]["b"] = "2"
    session.commit()
    assert dict(other_session.get("Task", task["id"])["metadata"]) == {"a": "1", "b": "2"}
    task["metadata"]["a"] = "changed"
    session.commit()
    row = other_session.query('Metadata where parent_id is "%s" and key is "a"' % task["id"]).one()
    assert (row["value"], row["parent_type"]) == ("changed", "Task")


def test_metadata_can_lose_a_key_and_be_replaced(session, task, new_session):
    task["metadata"] = {"a": "1", "b": "2"}
    session.commit()
    del task["metadata"]["a"]
    session.commit()
    assert dict(new_session().get("Task", task["id"])["metadata"]) == {"b": "2"}
    task["metadata"] = {"c": "3"}
    session.commit()
    assert dict(new_session().get("Task", task["id"])["metadata"]) == {"c": "3"}


def test_a_note_hangs_on_its_entity_and_the_author_receives_it(session, task, user, new_session):
    other = session.query('User where username is "dana"').one()
    label = session.query('NoteCategory where name is "Internal"').one()
    note = task.create_note("Too bright", user, recipients=[other], labels=[label])
    session.commit()
    seen = new_session().get("Note", note["id"])
    assert (seen["content"], seen["parent_id"], seen["parent_type"]) == ("Too bright", task["id"], "TypedContext")
    assert seen["author"]["username"] == user["username"]
    assert {recipient["recipient"]["username"] for recipient in seen["recipients"]} == {user["username"], "dana"}
    assert [link["label"]["name"] for link in seen["note_label_links"]] == ["Internal"]
    assert [each["id"] for each in task["notes"]] == [note["id"]]


def test_a_reply_belongs_to_its_note(session, task, user, new_session):
    note = task.create_note("Too bright", user)
    session.commit()
    reply = note.create_reply("Fixed", user)
    session.commit()
    seen = new_session().get("Note", note["id"])
    assert [each["content"] for each in seen["replies"]] == ["Fixed"]
    assert new_session().get("Note", reply["id"])["in_reply_to"]["id"] == note["id"]


def test_notes_are_listed_per_entity(session, task, user):
    for text in ("one", "two"):
        task.create_note(text, user)
        session.commit()
    found = session.query('Note where parent_id is "%s" and parent_type is "TypedContext" order by content' % task["id"])
    assert [note["content"] for note in found] == ["one", "two"]


def test_a_timer_becomes_a_time_log(session, task, user, other_session):
    timer = user.start_timer(task, comment="blocking")
    assert timer["start"] is not None
    timelog = user.stop_timer()
    assert timelog["comment"] == "blocking"
    assert timelog["context_id"] == task["id"]
    assert 0 <= timelog["duration"] < 60
    assert other_session.query('Timer where user_id is "%s"' % user["id"]).all() == []


def test_a_user_has_one_timer(session, task, user):
    user.start_timer(task)
    try:
        with pytest.raises(ftrack_api.exception.NotUniqueError):
            user.start_timer(task)
    finally:
        session.rollback()
        user.stop_timer()


def test_a_timer_can_be_forced(session, task, user):
    user.start_timer(task, comment="first")
    user.start_timer(task, comment="second", force=True)
    assert user.stop_timer()["comment"] == "second"


def test_logged_time_adds_up(session, task, user):
    for duration in (600, 1200):
        session.create("Timelog", {"user": user, "context": task, "start": "2026-03-02T09:00:00", "duration": duration})
    task["bid"] = 3600
    session.commit()
    seen = session.query("select time_logged, bid_time_logged_difference from Task where id is %s" % task["id"]).one()
    assert seen["time_logged"] == 1800
    assert seen["bid_time_logged_difference"] == 1800
