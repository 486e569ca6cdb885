"""Hooks are found and registered as Connect does it, and what goes wrong in one stays there."""

import os
import time

import support


def hook(loaded, name):
    return next(entry for entry in loaded["hooks"] if os.path.basename(entry["path"]) == name)


def test_every_file_at_every_depth_is_a_hook(start, tmp_path):
    for name in ("hook/top.py", "hook/a/b/deep.py", "hook/location/disk.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("def register(session):\n    session.event_hub.subscribe('topic=studio.x', len)\n")
    child = start(words=[str(tmp_path / "hook")])
    names = [os.path.relpath(entry["path"], str(tmp_path)) for entry in child.loaded()["hooks"]]
    assert names == ["hook/top.py", "hook/a/b/deep.py", "hook/location/disk.py"]
    assert sum("studio.x" in expression for expression, _ in child.subscriptions.values()) == 3


def test_pain_the_documented_layout_with_hooks_in_folders_only_is_served(start):
    child = start("studio-disk-1.1.0")
    assert [entry.get("problem") for entry in child.loaded()["hooks"]] == [None]
    assert child.loaded()["locations"] == ["studio.disk"]


def test_pain_a_hook_that_raises_in_register_does_not_end_the_session(start):
    child = start("raises-1.0.0")
    loaded = child.loaded()
    said = {os.path.basename(entry["path"]): entry.get("problem") for entry in loaded["hooks"]}
    assert said["d_is_well.py"] is None
    assert "ModuleNotFoundError: No module named 'no_such_module_in_any_studio'" in said["a_raises_at_import.py"]
    assert "ValueError: the show's settings are gone" in said["b_raises_at_register.py"]
    assert "SystemExit: 3" in said["c_exits.py"]
    where = hook(loaded, "b_raises_at_register.py")["traceback"]
    assert "line 5, in register" in where and "callboard_connect" not in where
    answers = child.host.publish({"topic": "studio.how-are-you", "data": {}})
    assert answers["results"] == ["well"]


def test_pain_one_hook_that_blocks_does_not_hold_up_the_others(start, tmp_path):
    release = tmp_path / "release"
    child = start("blocks-1.0.0", words=["--register-secs", "1"], environment={"STUDIO_BLOCKS_UNTIL": str(release)})
    loaded = child.loaded()
    blocked = hook(loaded, "a_blocks.py")
    assert "had not registered after 1 seconds" in blocked["problem"]
    assert "in wait_for_the_studio" in blocked["traceback"]
    assert hook(loaded, "b_is_well.py").get("problem") is None
    ask = {"topic": "studio.how-are-you", "data": {}}
    assert child.host.publish(ask)["results"] == ["well"]
    # And should it come back after all, it is registered from then on.
    release.write_text("")
    child.wait_for(lambda: len(child.told("connect.loaded")) > 1)
    assert hook(child.loaded(), "a_blocks.py").get("problem") is None
    assert sorted(child.host.publish(ask)["results"]) == ["late", "well"]


def test_register_is_called_with_what_it_accepts(start, tmp_path):
    shapes = {
        "nothing": "def register():\n    pass\n",
        "session": "def register(session):\n    assert session.event_hub\n",
        "keywords": "def register(session, **kw):\n    assert session.event_hub and kw == {}\n",
        "any": "def register(*args, **kw):\n    assert len(args) == 1\n",
        "optional": "def register(session, theme='dark'):\n    assert theme == 'dark'\n",
        "method": "class Hook:\n    def register(self, session):\n        assert session.event_hub\nregister = Hook().register\n",
        "none": "helper = True\n",
        "two": "def register(session, registry):\n    raise AssertionError('called')\n",
    }
    for name, text in shapes.items():
        (tmp_path / (name + ".py")).write_text(text)
    problems = {os.path.basename(entry["path"]): entry.get("problem") for entry in start(words=[str(tmp_path)]).loaded()["hooks"]}
    assert "registry" in problems.pop("two.py")
    assert set(problems.values()) == {None}


def test_pain_a_startup_error_from_a_race_of_two_sessions_cannot_be_since_there_is_one(start, tmp_path):
    (tmp_path / "sessions.py").write_text(
        "import gc, ftrack_api\n"
        "def register(session):\n"
        "    made = [found for found in gc.get_objects() if isinstance(found, ftrack_api.Session)]\n"
        "    session.event_hub.subscribe('topic=studio.sessions', lambda event: len(made))\n"
    )
    child = start(words=[str(tmp_path)])
    assert child.host.publish({"topic": "studio.sessions", "data": {}})["results"] == [1]
    assert "ERROR" not in "".join(child.log)


def test_what_hooks_print_is_in_the_log_and_not_in_the_protocol(start, tmp_path):
    (tmp_path / "prints.py").write_text(
        "import os, sys\n"
        "print('at import')\n"
        "def register(session):\n"
        "    print('{\"versions\":[9]}')\n"
        "    os.write(1, b'straight to the descriptor\\n')\n"
        "    sys.stdout.flush()\n"
        "    assert sys.stdin.read() == ''\n"
    )
    child = start(words=[str(tmp_path)])
    for text in ("at import", '{"versions":[9]}', "straight to the descriptor"):
        child.logged(text)
    assert child.said[0] == {"versions": [1]}


def test_hooks_that_share_a_module_share_it_and_other_plugins_have_their_own(start):
    both, other = start("two-hooks-1.0.0"), start("other-naming-1.0.0")
    assert [entry.get("problem") for entry in both.loaded()["hooks"] + other.loaded()["hooks"]] == [None] * 3
    answers = both.host.publish({"topic": "studio.naming", "data": {}})
    assert answers["results"] == [
        "first of two-hooks: first+second",
        "other of other-naming",
        "second of two-hooks: first+second",
    ]


def test_a_location_of_another_plugin_is_loaded_and_nothing_else_of_it_is(start):
    location = os.path.join(support.hooks_of("studio-disk-1.1.0"), "location")
    child = start("watch-status-1.0.0", words=["--location", location])
    assert child.loaded()["locations"] == ["studio.disk"]
    expressions = " ".join(expression for expression, _ in child.subscriptions.values())
    assert "configure-location" in expressions and "debug-information" not in expressions


def test_locations_are_set_up_by_priority_whichever_plugin_they_are_of(start, tmp_path):
    for name, priority in (("own", 50), ("early", 1), ("late", 200)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / (name + ".py")).write_text(
            "import builtins\n"
            "def configure(event):\n"
            "    builtins.studio_order = getattr(builtins, 'studio_order', []) + [{!r}]\n"
            "def register(session):\n"
            "    session.event_hub.subscribe('topic=ftrack.api.session.configure-location', configure, priority={})\n"
            .format(name, priority)
        )
    (tmp_path / "own" / "says.py").write_text(
        "import builtins\n"
        "def register(session):\n"
        "    session.event_hub.subscribe('topic=studio.order', lambda event: builtins.studio_order)\n"
    )
    words = ["--location", str(tmp_path / "late"), str(tmp_path / "own"), "--location", str(tmp_path / "early")]
    child = start(words=words)
    assert child.host.publish({"topic": "studio.order", "data": {}})["results"] == [["early", "own", "late"]]


def test_a_child_ends_when_the_host_hangs_up_whatever_its_hooks_hold_on_to(host, tmp_path):
    (tmp_path / "holds.py").write_text(
        "import threading, atexit, os\n"
        "def register(session):\n"
        "    threading.Thread(target=threading.Event().wait).start()\n"
        "    atexit.register(open, os.environ['STUDIO_FAREWELL'], 'w')\n"
    )
    farewell = tmp_path / "farewell"
    child = host.start(str(tmp_path), environment={"STUDIO_FAREWELL": str(farewell)})
    child.loaded()
    assert child.end() == 0
    assert farewell.exists()


def test_a_child_ends_while_a_hook_still_blocks(host):
    child = host.start(support.hooks_of("blocks-1.0.0"))
    child.wait_for(lambda: child.said)
    assert child.end() == 0


def test_what_cannot_be_served_is_said_in_the_place_of_the_hello(host):
    for words, environment, expected in (
        ([], {}, "no folder was given"),
        (["--speed", "9"], {}, "no such option: `--speed`"),
        (["hook"], {"FTRACK_SERVER": ""}, "`FTRACK_SERVER` is not set"),
    ):
        child = host.start(*words, environment=environment)
        said = child.wait_for(lambda: child.said)
        assert said[0]["error"]["message"] == expected
        assert child.end() != 0
    host.children.clear()


def test_a_server_that_does_not_take_the_key_is_said(host):
    child = host.start(support.hooks_of("watch-status-1.0.0"), environment={"FTRACK_API_KEY": "wrong"})
    said = child.wait_for(lambda: [message["error"] for message in child.said if "error" in message])[0]
    assert said["message"] == "the plugin's session could not be opened"
    assert child.process.wait(20) == 1
    host.children.clear()


def test_pain_what_a_hook_publishes_before_the_link_stands_arrives(start, session, tmp_path):
    heard = []
    session.event_hub.subscribe("topic=studio.early", lambda event: heard.append(event["data"]))
    (tmp_path / "early.py").write_text(
        "import ftrack_api\n"
        "def register(session):\n"
        "    event = ftrack_api.event.base.Event(topic='studio.early', data={'at': 'register'})\n"
        "    session.event_hub.publish(event)\n"
    )
    assert start(words=[str(tmp_path)]).loaded()["hooks"][0].get("problem") is None
    until = time.monotonic() + support.DEADLINE
    while not heard:
        assert time.monotonic() < until, "it was not heard"
        session.event_hub.wait(duration=0.05)
    assert heard == [{"at": "register"}]
