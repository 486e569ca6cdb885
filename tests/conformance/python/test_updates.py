"""`ftrack.update`: what a commit of the official client is told to everybody, in the words of the older API."""

import datetime
import json

import pytest

from conftest import name


def updated(entity_id):
    def wanted(event):
        return event["topic"] == "ftrack.update" and any(
            entity["entityId"] == entity_id for entity in event["data"]["entities"]
        )

    return wanted


def entity(event, entity_id):
    return next(entity for entity in event["data"]["entities"] if entity["entityId"] == entity_id)


def test_one_commit_is_one_update_in_the_older_words(listener, session, project, user):
    hears = listener("topic=ftrack.update")
    shot = session.create("Shot", {"name": "sh900", "parent": project})
    task = session.create("Task", {"name": "anim", "parent": shot})
    session.commit()
    event = hears.wait(updated(task["id"]))
    made = entity(event, task["id"])
    assert entity(event, shot["id"])["action"] == "add"
    assert (made["entityType"], made["entity_type"], made["action"]) == ("task", "Task", "add")
    assert made["objectTypeId"] == task["object_type_id"]
    assert made["parentId"] == shot["id"]
    assert [(parent["entityType"], parent["entityId"]) for parent in made["parents"]] == [
        ("task", task["id"]), ("task", shot["id"]), ("show", project["id"]),
    ]
    assert made["parents"][-1]["parentId"] is None
    assert made["changes"]["name"] == {"old": None, "new": "anim"}
    assert made["changes"]["showid"] == {"old": None, "new": project["id"]}
    assert set(made["keys"]) == set(made["changes"])
    assert event["data"]["user"]["userid"] == user["id"]
    assert {task["id"], shot["id"], project["id"]} <= set(event["data"]["parents"])


def test_an_update_names_what_changed_and_nothing_else(listener, session, task):
    hears = listener("topic=ftrack.update")
    before = task["status_id"]
    task["status"] = session.query('Status where name is "In progress"').one()
    session.commit()
    event = hears.wait(updated(task["id"]))
    changed = entity(event, task["id"])
    assert changed["action"] == "update"
    assert changed["keys"] == ["statusid"]
    assert changed["changes"] == {"statusid": {"old": before, "new": task["status_id"]}}


def test_a_custom_attribute_changes_its_entity_with_texts(listener, session, shot):
    hears = listener("topic=ftrack.update")
    shot["custom_attributes"]["fstart"] = 1010
    shot["custom_attributes"]["is_client_approved"] = True
    session.commit()
    event = hears.wait(updated(shot["id"]))
    changes = entity(event, shot["id"])["changes"]
    assert changes["fstart"]["new"] == "1010"
    assert changes["is_client_approved"]["new"] == "1"


def test_a_deleted_tree_is_told_entity_by_entity(listener, session, task):
    hears = listener("topic=ftrack.update")
    shot = task["parent"]
    ids = task["id"], shot["id"], shot["parent_id"]
    session.delete(shot)
    session.commit()
    event = hears.wait(updated(ids[0]))
    for gone in ids[:2]:
        assert entity(event, gone)["action"] == "remove"
    assert [parent["entityId"] for parent in entity(event, ids[0])["parents"]][:3] == list(ids)


def test_a_client_recognises_its_own_change(listener, call, task):
    hears = listener("topic=ftrack.update and data.clientToken=mine-1")
    update = {"action": "update", "entity_type": "Task", "entity_key": [task["id"]], "entity_data": {"description": "x"}}
    call(update, **{"ftrack-clienttoken": "mine-1", "ftrack-pushtoken": "undefined"})
    event = hears.wait(updated(task["id"]))
    assert event["data"]["clientToken"] == "mine-1"
    assert event["data"]["pushToken"] is None


def test_a_failed_commit_sends_no_update(listener, session, call, shot):
    hears = listener("topic=ftrack.update")
    call(
        {"action": "create", "entity_type": "Task", "entity_data": {"name": "lost", "parent_id": shot["id"]}},
        {"action": "create", "entity_type": "Task", "entity_data": {"name": "lost", "parent_id": shot["id"]}},
    )
    shot["description"] = "after"
    session.commit()
    hears.wait(updated(shot["id"]))
    assert "lost" not in json.dumps([event["data"] for event in hears.events])


@pytest.fixture()
def told(listener, session):
    """Commits, and returns the update that tells of an entity: `told(entity)`."""
    hears = listener("topic=ftrack.update")

    def commit(about):
        # What was committed before may still be on its way.
        hears.settle()
        known = len(hears.events)
        session.commit()
        wanted = updated(about if isinstance(about, str) else about["id"])
        return hears.wait(lambda event: event not in hears.events[:known] and wanted(event))

    return commit


def kinds(entry):
    return [parent["entityType"] for parent in entry["parents"]]


def test_a_new_project_is_a_show_and_its_own_only_parent(told, session):
    schema = session.query('ProjectSchema where name is "VFX"').one()
    made = session.create("Project", {"name": name("show"), "full_name": "A show", "project_schema": schema})
    entry = entity(told(made), made["id"])
    assert (entry["entityType"], entry["entity_type"], entry["action"]) == ("show", "Project", "add")
    assert entry["changes"]["fullname"] == {"old": None, "new": "A show"}
    assert entry["changes"]["projectschemeid"]["new"] == schema["id"]
    assert [(parent["entityId"], parent["parentId"]) for parent in entry["parents"]] == [(made["id"], None)]
    session.delete(made)
    entry = entity(told(made["id"]), made["id"])
    assert entry["action"] == "remove"
    assert entry["changes"]["fullname"] == {"old": "A show", "new": None}


def test_a_move_is_a_move_and_leads_to_the_new_parent(told, session, project, shot):
    other = session.create("Sequence", {"name": "sq020", "parent": project})
    session.commit()
    before = shot["parent_id"]
    shot["parent"] = other
    entry = entity(told(shot), shot["id"])
    assert entry["action"] == "move"
    assert entry["changes"] == {"parent_id": {"old": before, "new": other["id"]}}
    assert [parent["entityId"] for parent in entry["parents"]] == [shot["id"], other["id"], project["id"]]
    assert entry["parentId"] == other["id"]


def test_numbers_are_numbers_and_dates_are_texts(told, task):
    task["bid"] = 7200
    task["end_date"] = datetime.datetime(2031, 2, 3, 4, 5, 6)
    changes = entity(told(task), task["id"])["changes"]
    assert changes["bid"]["new"] == 7200
    assert changes["enddate"] == {"old": None, "new": "2031-02-03T04:05:06"}


def test_a_name_and_a_type_have_their_older_names(told, session, task):
    task["name"] = "layout"
    task["type"] = session.query('Type where name is "Layout"').first() or session.query("Type").first()
    task["priority"] = session.query('Priority where id is_not "%s"' % task["priority_id"]).first()
    entry = entity(told(task), task["id"])
    assert entry["changes"]["name"] == {"old": "anim", "new": "layout"}
    assert {"name", "typeid", "priorityid"} <= set(entry["keys"])


def test_metadata_is_told_as_meta_of_its_entity(told, shot):
    shot["metadata"]["colour"] = "red"
    entry = entity(told(shot), shot["id"])
    assert (entry["entityType"], entry["action"]) == ("meta", "add")
    assert entry["changes"]["variable"] == {"old": None, "new": "colour"}
    assert entry["changes"]["value"] == {"old": None, "new": "red"}
    shot["metadata"]["colour"] = "blue"
    entry = entity(told(shot), shot["id"])
    assert entry["changes"] == {"value": {"old": "red", "new": "blue"}}
    assert entry["parents"][1]["entityId"] == shot["id"]
    del shot["metadata"]["colour"]
    entry = entity(told(shot), shot["id"])
    assert (entry["entityType"], entry["action"]) == ("meta", "remove")
    assert entry["changes"]["value"] == {"old": "blue", "new": None}


def test_a_note_is_told_with_its_text_and_below_its_task(told, task, user):
    note = task.create_note("look at the hands", author=user)
    event = told(note)
    entry = entity(event, note["id"])
    assert (entry["entityType"], entry["action"]) == ("note", "add")
    assert entry["changes"]["text"] == {"old": None, "new": "look at the hands"}
    assert entry["changes"]["parent_id"]["new"] == task["id"]
    assert entry["changes"]["userid"]["new"] == user["id"]
    assert kinds(entry) == ["note", "task", "task", "task", "show"]
    assert "recipient" in [other["entityType"] for other in event["data"]["entities"]]


def test_a_reply_to_a_note_names_it(told, session, task, user):
    note = task.create_note("why", author=user)
    session.commit()
    reply = note.create_reply("because", author=user)
    entry = entity(told(reply), reply["id"])
    assert entry["changes"]["noteparentid"] == {"old": None, "new": note["id"]}
    assert [parent["entityId"] for parent in entry["parents"]][:3] == [reply["id"], note["id"], task["id"]]


def test_a_note_that_is_edited_tells_both_texts(told, session, task, user):
    note = task.create_note("first", author=user)
    session.commit()
    note["content"] = "second"
    entry = entity(told(note), note["id"])
    assert entry["changes"] == {"text": {"old": "first", "new": "second"}}


@pytest.fixture()
def version(session, task):
    asset = session.create("Asset", {"name": "plate", "type": session.query("AssetType").first(), "parent": task["parent"]})
    made = session.create("AssetVersion", {"asset": asset, "task": task, "comment": "one"})
    session.commit()
    return made


def test_a_new_version_has_its_number_and_its_task(told, session, version, task):
    second = session.create("AssetVersion", {"asset": version["asset"], "task": task})
    entry = entity(told(second), second["id"])
    assert (entry["entityType"], entry["entity_type"]) == ("assetversion", "AssetVersion")
    assert entry["changes"]["version"] == {"old": None, "new": 2}
    assert entry["changes"]["taskid"]["new"] == task["id"]
    assert entry["changes"]["assetid"]["new"] == version["asset_id"]
    assert entry["changes"]["ispublished"] == {"old": None, "new": True}
    assert kinds(entry) == ["assetversion", "asset", "task", "task", "show"]


def test_a_thumbnail_of_a_version_is_thumbid(told, session, version):
    picture = session.create("FileComponent", {"name": "thumbnail", "file_type": ".jpg", "version": version})
    session.commit()
    version["thumbnail"] = picture
    entry = entity(told(version), version["id"])
    assert entry["keys"] == ["thumbid"]
    assert entry["changes"]["thumbid"] == {"old": None, "new": picture["id"]}


def test_a_component_leads_through_its_version(told, session, version, project):
    made = session.create("FileComponent", {"name": "main", "file_type": ".exr", "version": version})
    entry = entity(told(made), made["id"])
    assert (entry["entityType"], entry["action"]) == ("component", "add")
    assert entry["changes"]["filetype"]["new"] == ".exr"
    assert entry["parents"][1]["entityId"] == version["id"]
    assert entry["parents"][-1] == {
        "entityId": project["id"], "entityType": "show", "entity_type": "Project", "parentId": None,
    }


def test_where_a_component_lies_is_told_too(told, session, version):
    component = session.create("FileComponent", {"name": "main", "file_type": ".exr", "version": version})
    session.commit()
    location = session.query('Location where name is "ftrack.server"').one()
    made = session.create("ComponentLocation", {"component": component, "location": location, "resource_identifier": "x"})
    entry = entity(told(made), made["id"])
    assert entry["changes"]["component_id"]["new"] == component["id"]
    assert entry["changes"]["location_id"]["new"] == location["id"]
    assert entry["parents"][1]["entityId"] == component["id"]


def test_hours_are_told_with_their_task(told, session, task, user):
    made = session.create("Timelog", {"user": user, "context": task, "duration": 1800, "comment": "blocking"})
    entry = entity(told(made), made["id"])
    assert (entry["entityType"], entry["action"]) == ("timelog", "add")
    assert entry["changes"]["duration"] == {"old": None, "new": 1800}
    assert entry["changes"]["context_id"]["new"] == task["id"]
    made["duration"] = 3600
    assert entity(told(made), made["id"])["changes"] == {"duration": {"old": 1800, "new": 3600}}
    session.delete(made)
    assert entity(told(made["id"]), made["id"])["action"] == "remove"


def test_an_assignment_is_an_appointment(told, session, task, user):
    made = session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    entry = entity(told(made), made["id"])
    assert (entry["entityType"], entry["action"]) == ("appointment", "add")
    assert entry["changes"]["type"] == {"old": None, "new": "assignment"}
    assert entry["changes"]["context_id"]["new"] == task["id"]
    assert entry["changes"]["resource_id"]["new"] == user["id"]
    session.delete(made)
    entry = entity(told(made["id"]), made["id"])
    assert (entry["action"], entry["changes"]["resource_id"]) == ("remove", {"old": user["id"], "new": None})


def test_a_link_between_contexts_is_a_dependency(told, session, project, shot):
    other = session.create("Shot", {"name": "sh020", "parent": project})
    made = session.create("TypedContextLink", {"from": shot, "to": other})
    entry = entity(told(made), made["id"])
    assert (entry["entityType"], entry["entity_type"]) == ("dependency", "TypedContextLink")
    assert entry["changes"]["from_id"]["new"] == shot["id"]
    assert entry["changes"]["to_id"]["new"] == other["id"]


def test_a_list_and_what_is_put_on_it(told, session, project, shot, user):
    category = session.query("ListCategory").first()
    made = session.create("TypedContextList", {"name": "today", "project": project, "category": category, "owner": user})
    entry = entity(told(made), made["id"])
    assert (entry["entityType"], kinds(entry)) == ("list", ["list", "show"])
    made["items"].append(shot)
    session.commit()
    row = session.query('ListObject where list_id is "%s"' % made["id"]).one()
    session.delete(row)
    entry = entity(told(row["id"]), row["id"])
    assert (entry["entityType"], entry["action"]) == ("listobject", "remove")
    assert entry["changes"]["listid"] == {"old": made["id"], "new": None}
    assert entry["changes"]["entityid"] == {"old": shot["id"], "new": None}


def test_an_answer_in_a_review_leads_to_the_review(told, session, project, version):
    review = session.create("ReviewSession", {"name": "dailies", "project": project})
    shown = session.create(
        "ReviewSessionObject",
        {"review_session": review, "asset_version": version, "name": "plate", "version": "Version 1"},
    )
    invitee = session.create("ReviewSessionInvitee", {"review_session": review, "name": "Cy", "email": "cy@studio.tv"})
    event = told(shown)
    assert entity(event, review["id"])["entityType"] == "reviewsession"
    assert entity(event, shown["id"])["changes"]["version_id"]["new"] == version["id"]
    assert entity(event, invitee["id"])["entityType"] == "reviewsessioninvitee"
    made = session.create(
        "ReviewSessionObjectStatus",
        {"review_session_object": shown, "invitee": invitee, "status": "approved"},
    )
    entry = entity(told(made), made["id"])
    assert entry["changes"]["status"] == {"old": None, "new": "approved"}
    assert [parent["entityId"] for parent in entry["parents"]] == [
        made["id"], shown["id"], review["id"], project["id"],
    ]


def test_a_job_is_told_of_its_user(told, session, user):
    job = session.create("Job", {"user": user, "status": "running", "data": json.dumps({"description": "x"})})
    entry = entity(told(job), job["id"])
    assert (entry["entityType"], entry["changes"]["userid"]["new"]) == ("job", user["id"])
    job["status"] = "done"
    assert entity(told(job), job["id"])["changes"]["status"] == {"old": "running", "new": "done"}


def test_a_role_in_a_project_names_user_and_project(told, session, project):
    other = session.query('User where username is "bo"').one()
    role = session.create("UserSecurityRole", {"user": other, "security_role": session.query("SecurityRole").first()})
    session.commit()
    made = session.create("UserSecurityRoleProject", {"user_security_role_id": role["id"], "project_id": project["id"]})
    entry = entity(told(made), made["id"])
    assert entry["entityType"] == "userroleproject"
    assert entry["changes"]["project_id"]["new"] == project["id"]
    assert entry["changes"]["user_role_id"]["new"] == role["id"]
    users = [parent["entityId"] for parent in entry["parents"] if parent["entityType"] == "user"]
    assert users == [other["id"]]
    assert entry["parents"][-1]["entityId"] == project["id"]
    session.delete(role)
    session.commit()


def test_what_belongs_to_a_deleted_shot_is_told_as_removed(told, session, task, version, user):
    shot = task["parent"]
    note = task.create_note("gone soon", author=user)
    session.commit()
    session.delete(shot)
    event = told(shot["id"])
    gone = {entry["entityId"]: kinds(entry) for entry in event["data"]["entities"]
            if entry["action"] == "remove" and entry["entityType"] != "recipient"}
    assert {task["id"], version["id"], version["asset_id"]} <= set(gone)
    assert gone[note["id"]] == ["note", "task", "task", "task", "show"]


def test_a_custom_attribute_that_was_set_tells_its_old_value(told, session, shot):
    shot["custom_attributes"]["fstart"] = 1001
    shot["custom_attributes"]["is_client_approved"] = True
    session.commit()
    shot["custom_attributes"]["fstart"] = 1010
    shot["custom_attributes"]["is_client_approved"] = False
    changes = entity(told(shot), shot["id"])["changes"]
    assert changes["fstart"] == {"old": "1001", "new": "1010"}
    assert changes["is_client_approved"] == {"old": "1", "new": "0"}


def test_several_choices_are_one_text_with_commas(told, shot):
    shot["custom_attributes"]["elements"] = ["fire", "smoke"]
    assert entity(told(shot), shot["id"])["changes"]["elements"]["new"] == "fire,smoke"


def test_a_custom_attribute_and_a_field_are_one_entry(told, shot):
    shot["description"] = "a chase"
    shot["custom_attributes"]["handles"] = 8
    event = told(shot)
    assert len([one for one in event["data"]["entities"] if one["entityId"] == shot["id"]]) == 1
    assert set(entity(event, shot["id"])["keys"]) == {"description", "handles"}


def test_an_update_says_who_made_the_change(listener, session, new_session, project, user):
    hears = listener("topic=ftrack.update and source.user.username=%s" % user["username"])
    project["full_name"] = "Renamed"
    session.commit()
    event = hears.wait(updated(project["id"]))
    assert event["source"]["user"] == {"username": user["username"], "id": user["id"]}
    assert event["data"]["user"]["name"] == "%s %s" % (user["first_name"], user["last_name"])
    assert (event["target"], event["in_reply_to_event"], event["sent"]) == ("", None, None)


def test_a_query_tells_nobody_anything(listener, session, project):
    hears = listener("topic=ftrack.update and data.user.userid=%s" % session.query(
        'User where username is "%s"' % session.api_user).one()["id"])
    session.query("Task").first()
    project["full_name"] = "After"
    session.commit()
    hears.wait(updated(project["id"]))
    assert len([event for event in hears.events if event["topic"] == "ftrack.update"]) == 1
