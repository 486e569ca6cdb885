"""Hours, timers, bids, calendars and who is booked."""

import arrow
import ftrack_api
import pytest
from conftest import name, refused


def log(session, user, context, duration, **data):
    return session.create("Timelog", {
        "user": user, "context": context, "start": arrow.get("2026-03-02T09:00:00"), "duration": duration, **data})


def test_hours_add_up_from_below(session, project, shot, task, user, new_session):
    other = session.create("Task", {"name": "comp", "parent": shot})
    log(session, user, task, 600)
    log(session, user, other, 1200)
    log(session, user, shot, 60)
    session.commit()
    rows = new_session().query("select name, time_logged from TypedContext where project_id is %s" % project["id"])
    assert {row["name"]: row["time_logged"] for row in rows} == {"sq010": 1860, "sh010": 1860, "anim": 600, "comp": 1200}


def test_a_bid_is_compared_with_the_hours(session, task, user, new_session):
    task["bid"] = 3600
    log(session, user, task, 4000)
    session.commit()
    seen = new_session().query("select bid_time_logged_difference from Task where id is %s" % task["id"]).one()
    assert seen["bid_time_logged_difference"] == -400


def test_hours_can_be_corrected_and_taken_back(session, task, user, new_session):
    first, second = log(session, user, task, 600), log(session, user, task, 300)
    session.commit()
    first["duration"] = 900
    session.delete(second)
    session.commit()
    seen = new_session().query("select time_logged, timelogs.duration from Task where id is %s" % task["id"]).one()
    assert (seen["time_logged"], [each["duration"] for each in seen["timelogs"]]) == (900, [900])


def test_hours_need_no_task(session, user, made, new_session):
    entry = session.create("Timelog", {"user": user, "start": arrow.get("2026-03-02T09:00:00"), "duration": 60, "name": "meeting"})
    session.commit()
    made.append(entry)
    seen = new_session().get("Timelog", entry["id"])
    assert (seen["context"], seen["name"], seen["comment"]) == (None, "meeting", "")


def test_hours_are_asked_by_day_and_person(session, task, user, new_session):
    log(session, user, task, 600)
    log(session, user, task, 60, start=arrow.get("2026-04-01T09:00:00"))
    session.commit()
    query = ('Timelog where user.username is "%s" and context_id is "%s" and start >= "2026-03-01" and start < "2026-04-01"')
    assert [each["duration"] for each in new_session().query(query % (user["username"], task["id"]))] == [600]


@pytest.mark.parametrize("data", [{"duration": "long"}, {"start": "soon"}, {"duration": None}])
def test_hours_that_make_no_sense_are_refused(call, user, task, data):
    data = {"user_id": user["id"], "context_id": task["id"], "start": "2026-03-02T09:00:00", "duration": 60, **data}
    answer = call({"action": "create", "entity_type": "Timelog", "entity_data": data}).json()
    assert answer["exception"] == "ValidationError"


def test_a_timer_belongs_to_its_user_and_task(session, task, user, new_session):
    timer = user.start_timer(task, comment="blocking", name="anim")
    try:
        seen = new_session().query('select start, comment, name, context.name from Timer where user_id is "%s"' % user["id"]).one()
        assert (seen["comment"], seen["name"], seen["context"]["name"]) == ("blocking", "anim", "anim")
        assert abs((arrow.utcnow() - seen["start"]).total_seconds()) < 60
    finally:
        logged = user.stop_timer()
    assert (logged["name"], logged["start"]) == ("anim", timer["start"])


def test_the_server_names_what_a_second_timer_breaks(call, session, task, user):
    user.start_timer(task)
    try:
        answer = call({"action": "create", "entity_type": "Timer", "entity_data": {"user_id": user["id"]}}).json()
        assert answer["exception"] == "DuplicateEntryError"
        assert "DuplicateEntryError" in answer["content"]
    finally:
        user.stop_timer()


def test_users_time_side_by_side(session, task, user, made):
    other = session.create("User", {"username": name("user")})
    session.commit()
    user.start_timer(task)
    other.start_timer(task)
    assert {user.stop_timer()["user_id"], other.stop_timer()["user_id"]} == {user["id"], other["id"]}


def test_stopping_without_a_timer_is_an_error(session, user):
    with pytest.raises(ftrack_api.exception.NoResultFoundError):
        user.stop_timer()


def test_a_calendar_event_has_those_it_concerns(session, project, user, made, new_session):
    leave = session.create("CalendarEvent", {
        "name": "holiday", "start": arrow.get("2026-07-01"), "end": arrow.get("2026-07-14"), "leave": True})
    session.create("CalendarEventResource", {"calendar_event": leave, "resource": user})
    booking = session.create("CalendarEvent", {
        "name": "booked", "start": arrow.get("2026-08-01"), "end": arrow.get("2026-08-02"), "project": project,
        "type": session.query('Type where name is "Animation"').one(), "estimate": 28800})
    session.commit()
    made.append(leave)
    seen = new_session().query(
        'select name, leave, created_by.username, calendar_event_resources.resource from CalendarEvent'
        ' where calendar_event_resources.resource_id is "%s" and start > "2026-06-30"' % user["id"]).all()
    assert [(each["name"], each["leave"], each["created_by"]["username"]) for each in seen] == [("holiday", True, user["username"])]
    assert seen[0]["calendar_event_resources"][0]["resource"]["id"] == user["id"]
    assert [each["name"] for each in new_session().get("Project", project["id"])["calendar_events"]] == ["booked"]
    assert booking["project_id"] == project["id"]


def test_a_calendar_event_needs_its_bounds(session):
    session.create("CalendarEvent", {"name": "holiday", "start": arrow.get("2026-07-01")})
    assert "end of CalendarEvent is required" in refused(session)


def test_a_group_is_allocated_to_a_project(session, project, new_session):
    group = session.query('Group where name is "Compositing"').one()
    session.create("Appointment", {"context": project, "resource": group, "type": "allocation"})
    session.commit()
    seen = new_session().get("Project", project["id"])
    team = seen["allocations"][0]["resource"]
    assert (team.entity_type, team["name"]) == ("Group", "Compositing")
    assert {member["user"]["username"] for member in team["memberships"]} == {"ada", "dana"}
    assert list(seen["assignments"]) == []


def test_the_tasks_of_a_user_are_those_assigned(session, shot, task, user, new_session):
    session.create("Task", {"name": "comp", "parent": shot})
    session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    session.commit()
    mine = new_session().query('select link from Task where assignments any (resource_id = "%s") and parent_id is "%s"' % (
        user["id"], shot["id"])).all()
    assert [each["link"][-1]["name"] for each in mine] == ["anim"]
    assert user["id"] in [each["id"] for each in new_session().query('User where assignments any (context_id = "%s")' % task["id"])]


def test_a_task_is_split_into_parts(session, task, new_session):
    for label, start, end in (("first", "2026-03-02", "2026-03-04"), ("second", "2026-03-09", "2026-03-11")):
        session.create("SplitTaskPart", {"task": task, "label": label, "start_date": arrow.get(start), "end_date": arrow.get(end)})
    session.commit()
    parts = new_session().query("select split_parts.label, split_parts.start_date from Task where id is %s" % task["id"]).one()["split_parts"]
    assert [(part["label"], part["start_date"].day) for part in parts] == [("first", 2), ("second", 9)]
