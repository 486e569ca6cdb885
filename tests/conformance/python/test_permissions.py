"""What a role may do."""

import ftrack_api
import pytest
from conftest import name


def test_a_viewer_sees_everything(read_only_session):
    assert len(read_only_session.query('Shot where project.name is "harbour"').all()) == 12


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_a_viewer_changes_nothing(read_only_session, verb, session):
    shot = read_only_session.query('Shot where project.name is "harbour"').first()
    if verb == "create":
        read_only_session.create("Task", {"name": name(), "parent": shot})
    elif verb == "update":
        shot["description"] = "mine now"
    else:
        read_only_session.delete(shot)
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        read_only_session.commit()
    assert "PermissionError" in str(caught.value)
    assert verb in str(caught.value)
    read_only_session.rollback()
    assert session.get("Shot", shot["id"])["description"] == ""


def test_a_viewer_may_renew_only_their_own_key(read_only_session):
    ada = read_only_session.query('User where username is "ada"').one()
    with pytest.raises(ftrack_api.exception.ServerError) as caught:
        read_only_session.reset_remote("api_key", entity=ada)
    assert "PermissionError" in str(caught.value)
