"""AYON's handler archives, on the stand-in for their base classes."""

import json
import os
import time

import pytest

import support
from test_plugins import labels, on

ARCHIVE = os.path.join(support.HERE, "ayon-handlers-1.0.0")


@pytest.fixture()
def child(start):
    return start(words=[ARCHIVE])


def launch(ask, identifier, shot, session, **data):
    user = {"username": session.api_user, "id": session.query('User where username is "{}"'.format(session.api_user)).one()["id"]}
    data = dict(data, actionIdentifier=identifier, selection=on(shot))
    return ask("ftrack.action.launch", data, source={"user": user})


def test_handlers_are_made_and_those_that_do_not_load_are_named(child):
    problems = {os.path.basename(entry["path"]): entry.get("problem") for entry in child.loaded()["hooks"]}
    assert problems.pop("actions.py") is None and problems.pop("by_function.py") is None
    assert "No module named 'ayon_api'" in problems.pop("broken.py")
    assert problems == {}
    assert child.host.publish({"topic": "studio.how-are-you", "data": {}})["results"] == ["by function"]


def test_an_action_asks_with_its_interface_and_makes_a_job(child, ask, session, shot):
    data = {"selection": on(shot)}
    offered = ask("ftrack.action.discover", data, lambda data: "Studio" in labels(data))
    assert [item["variant"] for item in offered["items"]] == ["- count"]
    form = launch(ask, "studio.count-tasks", shot, session)
    assert [item["name"] for item in form["items"]] == ["sure"]
    done = launch(ask, "studio.count-tasks", shot, session, values={"sure": True})
    assert done == {"success": True, "message": "done of 1"}
    assert session.query('Job where status is "done" and data like "%counting%"').first()


def test_roles_hold_at_launch_as_they_do_in_the_menu(child, ask, session, shot):
    refused = launch(ask, "studio.forbidden", shot, session)
    assert refused == {"success": False, "message": "Studio - forbidden is not for your roles."}


def test_a_local_action_answers_for_its_own_process_only(child, ask, session, shot):
    offered = ask("ftrack.action.discover", {"selection": on(shot)}, lambda data: "Here" in labels(data))
    identifier = offered["items"][0]["actionIdentifier"]
    assert identifier.startswith("studio.here.")
    for answer, expected in (
        (True, {"success": True, "message": "Here finished."}),
        (False, {"success": False, "message": "Here failed."}),
        (None, {"success": False, "message": "Here did not say how it ended."}),
        ({"items": []}, {"items": []}),
    ):
        assert launch(ask, identifier, shot, session, answer=answer) == expected
    mine = next(key for key, (expression, _) in child.subscriptions.items() if "studio.here.*" in expression)
    elsewhere = {"actionIdentifier": "studio.here.another-process", "selection": on(shot)}
    event = {"topic": "ftrack.action.launch", "data": elsewhere, "source": {"user": {"username": session.api_user}}}
    assert child.handle(mine, event)["result"]["result"] is None


def test_an_action_that_asks_to_exit_has_failed_and_the_others_go_on(child, ask, session, shot):
    for _ in range(2):
        said = launch(ask, "studio.quits", shot, session)
        assert said == {"success": False, "message": "Quits failed: enough"}


def test_an_event_handler_hears_changes(child, session, shot):
    heard = []
    session.event_hub.subscribe("topic=studio.updated", heard.append)
    until = time.monotonic() + support.DEADLINE
    while not heard:
        assert time.monotonic() < until, "nothing was heard"
        shot["description"] = "changed at {}".format(time.monotonic())
        session.commit()
        session.event_hub.wait(duration=0.05)


@pytest.mark.parametrize(
    "manifest, expected",
    [
        ("{", "JSONDecodeError"),
        ("[]", "holds no object"),
        ('{"version": "2.0.0"}', "is of version `2.0.0`; known is 1.0.0"),
        ('{"handler_subfolders": "handlers"}', "is no list of folders"),
        ('{"handler_subfolders": ["../elsewhere"]}', "`../elsewhere` in `manifest.json` leads out of the archive"),
        ('{"handler_subfolders": ["gone"]}', "No such file or directory"),
    ],
)
def test_an_archive_that_is_not_right_is_named(start, tmp_path, manifest, expected):
    (tmp_path / "manifest.json").write_text(manifest)
    (entry,) = start(words=[str(tmp_path)]).loaded()["hooks"]
    assert expected in entry["problem"], json.dumps(entry)
