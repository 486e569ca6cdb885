"""The plugins beside this file, each doing what it is for, through the official client and the server."""

import os
import stat
import time

import support


def on(shot, kind="task"):
    return [{"entityId": shot["id"], "entityType": kind}]


def labels(reply):
    return [item["label"] for item in (reply or {}).get("items", [])]


def notes_of(session, shot):
    session.reset()
    return sorted(note["content"] for note in session.get("TypedContext", shot["id"])["notes"])


def test_an_action_with_a_form_is_offered_asked_and_done(start, ask, session, shot):
    child = start("note-shots-1.0.0")
    offered = ask("ftrack.action.discover", {"selection": on(shot)}, lambda data: "Note on shots" in labels(data))
    item = dict(offered["items"][0])
    assert item["variant"] == "1.0.0"
    form = ask("ftrack.action.launch", dict(item, selection=on(shot)))
    assert form["title"] == "Note on 1 shots" and [field["name"] for field in form["items"]] == ["text", "todo"]
    refused = ask("ftrack.action.launch", dict(item, selection=on(shot), values={"text": "", "todo": False}))
    assert refused == {"success": False, "message": "The note is empty."}
    done = ask("ftrack.action.launch", dict(item, selection=on(shot), values={"text": "Fix the matte", "todo": True}))
    assert done == {"success": True, "message": "1 notes written"}
    assert "Fix the matte" in notes_of(session, shot)
    child.logged("wrote a note on 1 shots")


def test_an_event_listener_hears_changes(start, session, shot):
    start("watch-status-1.0.0")
    statuses = session.query("Status").all()
    until = time.monotonic() + support.DEADLINE
    # The change has to come after the child's link stands, which it does not tell.
    for at in range(1000):
        shot["status"] = statuses[at % 2]
        session.commit()
        session.event_hub.wait(duration=0.05)
        if any(note.startswith("Now ") for note in notes_of(session, shot)):
            return
        shot = session.get("Shot", shot["id"])
        assert time.monotonic() < until, "no note was written"


def test_a_location_takes_files(start, ask, tmp_path):
    (tmp_path / "hook.py").write_text(
        "def register(session):\n"
        "    def store(event):\n"
        "        location = session.query('Location where name is \"studio.disk\"').one()\n"
        "        version = session.query('AssetVersion').first()\n"
        "        component = version.create_component(event['data']['path'], {'name': 'plate'}, location=location)\n"
        "        return location.get_filesystem_path(component)\n"
        "    session.event_hub.subscribe('topic=studio.store', store)\n"
    )
    (tmp_path / "plate.txt").write_text("plate")
    location = os.path.join(support.hooks_of("studio-disk-1.1.0"), "location")
    disk = tmp_path / "disk"
    disk.mkdir()
    child = start(words=[str(tmp_path / "hook.py").rpartition("/")[0], "--location", location], environment={"STUDIO_DISK": str(disk)})
    stored = child.host.publish({"topic": "studio.store", "data": {"path": str(tmp_path / "plate.txt")}})["results"][0]
    assert stored.startswith(str(disk))
    with open(stored) as file:
        assert file.read() == "plate"


def test_pain_another_persons_menu_is_not_answered_by_a_hook_that_forgets_to_filter(start, session, shot):
    child = start("note-shots-1.0.0")
    discover = next(key for key, (expression, _) in child.subscriptions.items() if "discover" in expression)
    ours = {"topic": "ftrack.action.discover", "data": {"selection": on(shot)}, "source": {"user": {"username": session.api_user}}}
    theirs = dict(ours, source={"user": {"username": "somebody.else"}})
    assert labels(child.handle(discover, ours)["result"]["result"]) == ["Note on shots"]
    assert child.handle(discover, theirs)["result"]["skipped"]


def test_what_the_stand_in_lacks_is_named_and_what_can_do_without_it_does(start):
    loaded = start("lacks-things-1.0.0").loaded()
    assert loaded["missing"] == [
        "ftrack_connect.plugin_manager",
        "ftrack_connect.util.invoke_in_main_thread",
        "ftrack_connect.ui.widget.item_list",
        "ftrack_utils.rpc",
    ]
    problems = {os.path.basename(entry["path"]): entry.get("problem") for entry in loaded["hooks"]}
    assert "has no module `ftrack_connect.ui.widget.item_list`" in problems["lacks_things.py"]
    assert problems["with_care.py"] is None


def test_a_plugin_that_brings_its_own_library_is_served_with_that(start, tmp_path):
    library = tmp_path / "dependencies" / "ftrack_action_handler"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("OWNER = 'the plugin'\n")
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "hook.py").write_text(
        "import os, sys\n"
        "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'dependencies'))\n"
        "import ftrack_action_handler\n"
        "def register(session):\n"
        "    session.event_hub.subscribe('topic=studio.owner', lambda event: ftrack_action_handler.OWNER)\n"
    )
    child = start(words=[str(tmp_path / "hook")])
    assert child.host.publish({"topic": "studio.owner", "data": {}})["results"] == ["the plugin"]


def test_an_application_is_found_offered_and_launched_with_what_modifiers_add(start, ask, tmp_path):
    out = tmp_path / "out"
    for version in ("2019", "2025"):
        program = tmp_path / ("maya" + version) / "bin" / "maya"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n(echo $0 $@; env) > {0}.part && mv {0}.part {0}\n".format(out))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    start("maya-environment-1.2.0")
    start("review-launcher-1.0.0", environment={"STUDIO_APPLICATIONS": str(tmp_path)})
    offered = ask("ftrack.action.discover", {"selection": []}, lambda data: "Review" in labels(data))
    assert [item["variant"] for item in offered["items"]] == ["2025", "2019"]
    said = ask("ftrack.action.launch", dict(offered["items"][0], selection=[]))
    assert said == {"success": True, "message": "Review is starting."}
    until = time.monotonic() + support.DEADLINE
    while not out.exists():
        assert time.monotonic() < until, "the application did not start"
        time.sleep(0.05)
    wrote = out.read_text()
    assert wrote.splitlines()[0].endswith("maya2025/bin/maya -studio -quiet")
    for line in ("STUDIO_SHOW=demo", "MAYA_SCRIPT_PATH=", "STUDIO_HOOKS=", "FTRACK_CONNECT_EVENT="):
        assert line in wrote
    assert "FTRACK_EVENT_PLUGIN_PATH=" not in wrote and "PYTHONPATH=" not in wrote


def test_without_qt_a_widget_is_named_with_the_reason(start, tmp_path):
    (tmp_path / "PySide6.py").write_text("raise ModuleNotFoundError('no Qt here', name='PySide6')\n")
    (tmp_path / "PySide2.py").write_text("raise ModuleNotFoundError('no Qt here', name='PySide2')\n")
    search = os.pathsep.join([support.PYTHON_PATH, str(tmp_path)])
    child = start("track-window-1.0.0", environment={"PYTHONPATH": search})
    widget = child.loaded()["widgets"][0]
    assert widget["name"] == "track_window" and widget["problem"].endswith("and this Python has no PySide6")


def test_a_widget_gets_a_window_on_the_main_thread_by_an_action_of_its_own(start, ask):
    search = os.pathsep.join([support.PYTHON_PATH, os.path.join(support.HERE, "stand_in_qt")])
    without = {"PYTHONPATH": search, "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    hidden = start("track-window-1.0.0", environment=without).loaded()["widgets"]
    assert hidden == [{"name": "Track window", "problem": "`Track window` is not shown: there is no display"}]
    child = start("track-window-1.0.0", environment=dict(without, DISPLAY=":1"))
    assert child.loaded()["widgets"] == [{"name": "Track window"}]
    offered = ask("ftrack.action.discover", {"selection": []}, lambda data: "Track window" in labels(data))
    for _ in range(2):
        said = ask("ftrack.action.launch", dict(offered["items"][0], selection=[]))
        assert said == {"success": True, "message": "`Track window` is open"}
    called = ask("ftrack.connect", {"plugin": "track.window", "action": "say", "text": "Shot 10"})
    assert called == {"said": "Shot 10", "visible": True}
