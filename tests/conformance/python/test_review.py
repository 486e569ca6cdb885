"""Review sessions: what is shown, to whom, and what they say."""

import arrow
import pytest
from conftest import refused


@pytest.fixture()
def versions(session, shot):
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    made = [session.create("AssetVersion", {"asset": asset}) for _ in range(3)]
    session.commit()
    return made


@pytest.fixture()
def review(session, project, versions):
    made = session.create("ReviewSession", {"name": "friday", "description": "dailies", "project": project})
    session.commit()
    for version in versions:
        session.create("ReviewSessionObject", {
            "name": "sh010", "version": "Version %d" % version["version"], "asset_version": version, "review_session": made})
    session.commit()
    return made


@pytest.fixture()
def invitee(session, review):
    made = session.create("ReviewSessionInvitee", {"email": "a@example.com", "name": "A", "review_session": review})
    session.commit()
    return made


def test_the_objects_of_a_review_keep_their_order(review, session, new_session):
    query = 'select version, sort_order from ReviewSessionObject where review_session_id is "%s" order by sort_order' % review["id"]
    rows = new_session().query(query).all()
    assert [(row["version"], row["sort_order"]) for row in rows] == [("Version 1", 0), ("Version 2", 1), ("Version 3", 2)]
    first = session.get("ReviewSessionObject", rows[0]["id"])
    first["sort_order"] = 10
    session.commit()
    assert [row["version"] for row in new_session().query(query)] == ["Version 2", "Version 3", "Version 1"]


@pytest.mark.parametrize("status", ["approved", "require_changes", "seen"])
def test_an_invitee_says_what_they_think(review, invitee, session, new_session, status):
    shown = session.query('ReviewSessionObject where review_session_id is "%s"' % review["id"]).first()
    session.create("ReviewSessionObjectStatus", {"status": status, "invitee": invitee, "review_session_object": shown})
    session.commit()
    seen = new_session().query(
        'select version from ReviewSessionObject where review_session_id is "%s" and statuses any (status is "%s")'
        % (review["id"], status)).all()
    assert [each["id"] for each in seen] == [shown["id"]]
    assert new_session().get("ReviewSessionInvitee", invitee["id"])["statuses"][0]["status"] == status


def test_a_review_is_open_between_its_dates(session, project, new_session):
    def made(start, end):
        return session.create("ReviewSession", {
            "name": "r", "project": project, "start_date": arrow.utcnow().shift(days=start), "end_date": arrow.utcnow().shift(days=end)})

    past, present, future = made(-3, -1), made(-1, 1), made(1, 3)
    session.commit()
    fresh = new_session()
    rows = {row["id"]: row["is_open"] for row in fresh.query('select is_open from ReviewSession where project_id is "%s"' % project["id"])}
    assert rows == {past["id"]: False, present["id"]: True, future["id"]: False}


def test_reviews_lie_in_folders(session, project, review, new_session):
    folder = session.create("ReviewSessionFolder", {"name": "week 12", "project": project})
    review["review_session_folder"] = folder
    session.commit()
    seen = new_session().get("Project", project["id"])
    assert [each["name"] for each in seen["review_session_folders"][0]["review_sessions"]] == ["friday"]
    session.delete(folder)
    session.commit()
    assert new_session().get("ReviewSession", review["id"])["review_session_folder"] is None


def test_notes_are_written_on_what_is_shown(session, review, user, new_session):
    shown = session.query('ReviewSessionObject where review_session_id is "%s"' % review["id"]).first()
    note = shown.create_note("Too dark", user)
    note["frame_number"] = 1012
    session.commit()
    seen = new_session().get("ReviewSessionObject", shown["id"])["notes"][0]
    assert (seen["content"], seen["frame_number"], seen["parent_type"]) == ("Too dark", 1012, "ReviewSessionObject")


def test_annotations_hang_on_what_is_shown(session, review, new_session):
    shown = session.query('ReviewSessionObject where review_session_id is "%s"' % review["id"]).first()
    session.create("ReviewSessionObjectAnnotation", {"review_session_object": shown, "frame_number": 7, "data": "[]"})
    session.commit()
    seen = new_session().query("select annotations.frame_number from ReviewSessionObject where id is %s" % shown["id"]).one()
    assert [each["frame_number"] for each in seen["annotations"]] == [7]


def test_a_version_knows_where_it_is_shown(review, versions, new_session):
    seen = new_session().get("AssetVersion", versions[0]["id"])
    assert [each["review_session"]["name"] for each in seen["review_session_objects"]] == ["friday"]


def test_a_review_has_settings_of_its_own(session, review, new_session):
    session.create("EntitySetting", {
        "parent_id": review["id"], "parent_type": "ReviewSession", "group": "review", "name": "show_statuses", "value": "1"})
    session.commit()
    seen = new_session().get("ReviewSession", review["id"])["settings"]
    assert [(each["group"], each["name"], each["value"]) for each in seen] == [("review", "show_statuses", "1")]


def test_a_deleted_version_leaves_the_review(session, review, versions, new_session):
    session.delete(versions[1])
    session.commit()
    seen = new_session().query('select version from ReviewSessionObject where review_session_id is "%s"' % review["id"])
    assert sorted(each["version"] for each in seen) == ["Version 1", "Version 3"]


def test_a_deleted_review_takes_everything_of_it_along(session, review, invitee, new_session):
    shown = session.query('ReviewSessionObject where review_session_id is "%s"' % review["id"]).first()
    session.create("ReviewSessionObjectStatus", {"status": "seen", "invitee": invitee, "review_session_object": shown})
    session.commit()
    session.delete(review)
    session.commit()
    fresh = new_session()
    for kind in ("ReviewSessionObject", "ReviewSessionInvitee"):
        assert fresh.query('%s where review_session_id is "%s"' % (kind, review["id"])).all() == []
    assert fresh.query('ReviewSessionObjectStatus where review_session_object_id is "%s"' % shown["id"]).all() == []


def test_an_invitee_needs_an_address(session, review):
    session.create("ReviewSessionInvitee", {"name": "B", "review_session": review})
    assert "email of ReviewSessionInvitee is required" in refused(session)
