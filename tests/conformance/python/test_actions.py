"""Actions of the API beside queries and changes, through the official client's own methods."""

import json
import os
from urllib.parse import parse_qs, urlparse

import ftrack_api
import pytest
import requests
from conftest import name


@pytest.fixture()
def review(session, project):
    made = session.create("ReviewSession", {"name": name("review"), "description": "", "project": project})
    session.commit()
    return made


def invitee(session, review, person):
    made = session.create("ReviewSessionInvitee", {"name": person, "email": person + "@example.com", "review_session": review})
    session.commit()
    return made


def test_the_server_describes_itself_in_full(call):
    (answer,) = call({"action": "query_server_information"}).json()
    expected = {
        "company_information", "custom_widget", "default_colors", "display_task_dates_as_time", "display_week_numbers",
        "is_nested_subqueries_enabled", "is_timezone_support_enabled", "license", "preferred_language", "product", "schema_hash",
        "storage_limit", "storage_scenario", "user_information", "version", "week_startday", "workday_length", "workdays",
    }
    assert set(answer) == expected
    assert answer["workday_length"] == 28800
    assert all(color.startswith("#") for color in answer["default_colors"])


def test_the_server_says_what_was_asked_for_and_what_clients_need(call):
    (answer,) = call({"action": "query_server_information", "values": ["workday_length"]}).json()
    assert set(answer) == {"version", "schema_hash", "is_timezone_support_enabled", "storage_scenario", "workday_length"}


def test_the_server_says_who_asks(session, user):
    mine = session.server_information["user_information"]
    assert (mine["id"], mine["username"], mine["first_name"]) == (user["id"], user["username"], user["first_name"])
    assert mine["is_global_access_key"] is False
    assert session.get("ApiKey", mine["access_key_id"])["resource_id"] == user["id"]


@pytest.fixture()
def storage(session):
    """The setting that the client's wizard writes, put back in the end."""
    setting = session.query('select value from Setting where name is "storage_scenario" and group is "STORAGE"').one()
    before = setting["value"]
    yield setting
    setting["value"] = before
    session.commit()


def test_a_centralized_storage_scenario_is_activated_in_new_sessions(session, new_session, storage, tmp_path):
    location = session.ensure("Location", {"name": "studio.storage"})
    mount_points = {"linux": str(tmp_path), "osx": "/Volumes/store", "windows": "S:\\store"}
    data = {"location_id": location["id"], "location_name": "studio.storage", "accessor": {"mount_points": mount_points}}
    storage["value"] = json.dumps({"scenario": "ftrack.centralized-storage", "data": data})
    session.commit()
    fresh = new_session()
    assert fresh.server_information["storage_scenario"]["data"] == data
    mine = fresh.get("Location", location["id"])
    assert mine.priority == 1
    assert mine.accessor.prefix == str(tmp_path)
    assert fresh.pick_location()["id"] == location["id"]


def test_a_file_is_published_to_the_centralized_storage(session, new_session, storage, shot, tmp_path):
    store, source = tmp_path / "store", tmp_path / "clip.txt"
    store.mkdir()
    source.write_text("clip")
    location = session.ensure("Location", {"name": "studio.storage"})
    mount_points = {"linux": str(store), "osx": "", "windows": ""}
    data = {"location_id": location["id"], "location_name": "studio.storage", "accessor": {"mount_points": mount_points}}
    storage["value"] = json.dumps({"scenario": "ftrack.centralized-storage", "data": data})
    session.commit()
    asset = session.create("Asset", {"name": "plate", "parent": shot, "type": session.query("AssetType").first()})
    version = session.create("AssetVersion", {"asset": asset})
    session.commit()
    fresh = new_session()
    component = fresh.get("AssetVersion", version["id"]).create_component(str(source), data={"name": "clip"}, location="auto")
    path = fresh.get("Location", location["id"]).get_filesystem_path(component)
    assert os.path.commonpath([path, str(store)]) == str(store)
    with open(path) as file:
        assert file.read() == "clip"
    assert session.query('ComponentLocation where component_id is "%s"' % component["id"]).one()["location_id"] == location["id"]


@pytest.mark.parametrize("value", ["", "no JSON", "null", "[]", '{"scenario": null}'])
def test_a_setting_that_is_no_scenario_does_not_keep_clients_out(session, new_session, storage, value):
    storage["value"] = value
    session.commit()
    assert new_session().server_information["storage_scenario"] == {"scenario": "ftrack.automatic", "data": {}}


def test_the_widget_of_an_entity_shows_it(session, task):
    address = session.get_widget_url("info", entity=task, theme="light")
    answer = requests.get(address, timeout=10)
    assert answer.status_code == 200
    assert task["name"] in answer.text and task["status"]["name"] in answer.text
    assert '<body class="light">' in answer.text


def test_the_widget_of_tasks_shows_those_below_an_entity(session, project, shot, task):
    session.create("Task", {"name": "comp", "parent": shot})
    session.commit()
    answer = requests.get(session.get_widget_url("tasks", entity=project), timeout=10)
    assert "<td>anim</td>" in answer.text and "<td>comp</td>" in answer.text
    assert '<body class="dark">' in answer.text


def test_the_widget_of_tasks_without_an_entity_shows_ones_own(session, user, task, shot):
    other = session.create("Task", {"name": name("others"), "parent": shot})
    mine = session.create("Task", {"name": name("mine"), "parent": shot})
    session.create("Appointment", {"context": mine, "resource": user, "type": "assignment"})
    session.commit()
    text = requests.get(session.get_widget_url("tasks"), timeout=10).text
    assert mine["name"] in text
    assert other["name"] not in text


def test_a_widgets_address_lasts_for_six_minutes(session, task, control):
    address = session.get_widget_url("tasks_browser")
    control.post("clock", skew_secs=5 * 60)
    assert requests.get(address, timeout=10).status_code == 200
    control.post("clock", skew_secs=7 * 60)
    assert requests.get(address, timeout=10).status_code == 403


def test_a_widgets_address_serves_nothing_else(session, shot, task):
    address = session.get_widget_url("info", entity=task)
    assert requests.get(address.replace(task["id"], shot["id"]), timeout=10).status_code == 403
    assert parse_qs(urlparse(address).query)["entity_id"] == [task["id"]]


@pytest.mark.parametrize("widget, said", [("dance", "Widget dance does not exist"), ("info", "needs an entity")])
def test_a_widget_that_cannot_be_is_refused(session, widget, said):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.get_widget_url(widget)
    assert said in str(caught.value)


def test_a_user_is_invited(session, control):
    dana = session.query('User where username is "dana"').one()
    session.send_user_invite(dana)
    (invitation,) = control.get("invitations")["invitations"]
    assert invitation == {"kind": "user", "to": "dana@example.com", "id": dana["id"], "review_session_id": None, "by": session.api_user}


def test_several_users_are_invited_in_one_batch_or_none(session, control):
    users = session.query('User where username in ("dana", "bo")').all()
    session.send_user_invites(users)
    assert {each["to"] for each in control.get("invitations")["invitations"]} == {"dana@example.com", "bo@example.com"}
    control.delete("invitations")
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.send_user_invites(users + [{"id": "nobody"}])
    assert "User nobody does not exist" in str(caught.value)
    assert control.get("invitations")["invitations"] == []


def test_a_reviewer_is_invited_and_the_time_is_noted(session, other_session, review, control):
    guest = invitee(session, review, "guest")
    assert guest["last_sent_at"] is None
    session.send_review_session_invite(guest)
    (invitation,) = control.get("invitations")["invitations"]
    assert (invitation["to"], invitation["review_session_id"]) == ("guest@example.com", review["id"])
    assert other_session.get("ReviewSessionInvitee", guest["id"])["last_sent_at"] is not None


def test_who_may_only_look_may_not_invite(read_only_session, control):
    dana = read_only_session.query('User where username is "dana"').one()
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        read_only_session.send_user_invite(dana)
    assert "PermissionError" in str(caught.value)
    assert control.get("invitations")["invitations"] == []


def test_a_delayed_job_is_a_job_of_the_callers(session, user):
    (answer,) = session.call([{"action": "delayed_job", "job_type": "SYNC_USERS_LDAP"}])
    job = answer["data"]
    assert answer["action"] == "delayed_job"
    assert isinstance(job, session.types["Job"])
    assert (job["status"], job["user_id"], job["type"]) == ("done", user["id"], "SYNC_USERS_LDAP")
    assert job["finished_at"] is not None
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        session.call([{"action": "delayed_job", "job_type": "DANCE"}])
    assert "Job type DANCE does not exist" in str(caught.value)


def test_a_reset_is_for_the_api_key_of_a_user_alone(session, user, task):
    for reset_type, entity in [("password", user), ("api_key", task)]:
        with pytest.raises(ftrack_api.exception.ServerError) as caught:
            session.reset_remote(reset_type, entity=entity)
        assert "Only the api_key of a User can be reset" in str(caught.value)


def test_ones_own_key_can_be_reset_and_those_of_others_need_permission(read_only_session, new_session):
    dana = read_only_session.query('User where username is "dana"').one()
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        read_only_session.reset_remote("api_key", entity=dana)
    assert "PermissionError" in str(caught.value)
    bo = read_only_session.query('User where username is "bo"').one()
    key = read_only_session.reset_remote("api_key", entity=bo)["api_key"]
    assert new_session(api_user="bo", api_key=key).query("Scope").all()
