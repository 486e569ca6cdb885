"""Giving roles by the actions that the client's manual shows, and API keys that belong to nobody."""

import ftrack_api
import pytest
from conftest import name, refused


@pytest.fixture()
def someone(session, made):
    user = session.create("User", {"username": name("member")})
    session.commit()
    for given in session.query('UserSecurityRole where user_id is "%s"' % user["id"]):
        session.delete(given)
    session.commit()
    made.append(user)
    return user


def role(session, role_name):
    return session.query('SecurityRole where name is "%s"' % role_name).one()


def given(session, user):
    """The roles of a user, with the projects they name."""
    rows = session.query(
        "select security_role.name, is_all_open_projects, user_security_role_projects.project.id"
        ' from UserSecurityRole where user_id is "%s"' % user["id"]).all()
    return {
        row["security_role"]["name"]: [each["project"]["id"] for each in row["user_security_role_projects"]] for row in rows}


def act(session, action, user, role_name, **more):
    return session.call([{"action": action, "user_id": user["id"], "role_id": role(session, role_name)["id"], **more}])


def test_roles_of_projects_are_told_from_others(session):
    names = {each["name"] for each in session.query('select name from SecurityRole where type is "PROJECT"')}
    assert {"Administrator", "Project Manager", "User"} <= names
    assert [each["name"] for each in session.query('SecurityRole where type is "ASSIGNED"')] == ["Restricted User"]
    assert [each["name"] for each in session.query('SecurityRole where type is "API"')] == ["API"]


def test_a_role_is_added_changed_and_revoked(session, someone, new_session):
    act(session, "add_user_security_role", someone, "Project Manager")
    assert given(new_session(), someone) == {"Project Manager": []}
    act(session, "update_user_security_role", someone, "Project Manager", new_role_id=role(session, "User")["id"])
    assert given(new_session(), someone) == {"User": []}
    act(session, "revoke_user_security_role", someone, "User")
    assert given(new_session(), someone) == {}


def test_access_to_a_project_is_granted_and_revoked(session, someone, project, new_session):
    project["is_private"] = True
    session.commit()
    key = session.reset_remote("api_key", entity=someone)["api_key"]
    theirs = new_session(api_user=someone["username"], api_key=key)
    assert theirs.query("Project").all() == []
    act(session, "grant_user_security_role_project", someone, "User", project_id=project["id"])
    assert given(new_session(), someone) == {"User": [project["id"]]}
    assert [each["id"] for each in theirs.query("Project")] == [project["id"]]
    act(session, "revoke_user_security_role_project", someone, "User", project_id=project["id"])
    assert theirs.query("Project").all() == []


def test_a_role_that_one_does_not_have_cannot_be_revoked(session, someone):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        act(session, "revoke_user_security_role", someone, "User")
    assert "does not have this role" in str(caught.value)


def test_roles_are_given_by_those_who_may(read_only_session, someone, session):
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        act(read_only_session, "add_user_security_role", someone, "Administrator")
    assert "PermissionError" in str(caught.value)
    assert given(session, someone) == {}


def test_a_global_key_brings_its_own_role_for_every_user(control, new_session, session, project):
    project["is_private"] = True
    session.commit()
    key = control.post("global_keys", role="Viewer")["api_key"]
    as_ada = new_session(api_user="ada", api_key=key)
    assert as_ada.query('Project where name is "harbour"').one()["full_name"] == "Harbour"
    assert as_ada.query('Project where id is "%s"' % project["id"]).all() == []
    as_ada.create("Scope", {"name": name()})
    assert "User ada is not permitted to create Scope" in refused(as_ada)
    as_bo = new_session(api_user="bo", api_key=control.post("global_keys", role="Administrator")["api_key"])
    scope = as_bo.create("Scope", {"name": name()})
    as_bo.commit()
    as_bo.delete(scope)
    as_bo.commit()


def test_a_global_key_needs_an_active_user(control, new_session):
    key = control.post("global_keys", role="API")["api_key"]
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        new_session(api_user="cleo", api_key=key)
    assert "disabled" in str(caught.value)
