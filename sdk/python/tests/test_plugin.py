"""The program plugin as the host sees it: a child process on three pipes."""

import json
import os
import pty
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SDK = os.path.dirname(HERE)
HELLO = os.path.join(SDK, "..", "..", "plugins", "hello_python")

BODY = """
import os, sys
print("printed before the plugin was made")
import callboard
plugin = callboard.Plugin()
print("printed at the start")

@plugin.action("echo")
def echo(launch, host):
    print("printed by the action")
    os.write(1, b"written to descriptor one\\n")
    os.system("echo from a child")
    return callboard.done("ok", {"values": launch.values, "state": launch.state})

@plugin.action("ask_host")
def ask_host(launch, host):
    host.progress("looking", 0.5)
    host.notify("Hello", "there", "warning")
    host.log("a line")
    host.status("line", "Busy", until_ms=5)
    shots, tasks = host.query("Shot", "Task")
    host.hand_over("k", [], {"n": 1})
    page = host.describe("sel", offset=2, limit=3)
    host.store("a", [1])
    return callboard.asks({"title": "t", "items": shots + tasks + page["rows"]}, host.load("a"))

@plugin.action("use_ftrack")
def use_ftrack(launch, host):
    sizes = [len(rows) for rows in host.pages("Shot", limit=2)]
    made = host.call({"action": "delete", "entity_type": "Shot", "key": ["c1"]})
    film = host.download("f1", "a.mov", max_bytes=9)
    return callboard.done("ok", {"sizes": sizes, "made": made, "film": film, "folder": host.folder()})

@plugin.change("echo")
def echo_changed(change, host):
    if change.values.get("name") == "wrong":
        raise callboard.Failure("invalid", "no such name")
    settings = host.settings()
    return [callboard.patch("note", value=change.name, error=None), callboard.patch("n", data=[change.state])]

@plugin.action("fall")
def fall(launch, host):
    raise KeyError("gone")

@plugin.action("nothing")
def nothing(launch, host):
    return None

@plugin.action("long")
def long(launch, host):
    host.progress("started")
    while not host.is_cancelled:
        host.load("tick")
    return callboard.cancelled()

plugin.serve()
print("served")
"""


class Host:
    """The host's side of a plugin's pipe."""

    def __init__(self, source=BODY, argv=None, cwd=None):
        self.folder = tempfile.TemporaryDirectory(prefix="cb-plugin-")
        if argv is None:
            path = os.path.join(self.folder.name, "plugin.py")
            with open(path, "w") as file:
                file.write(textwrap.dedent(source))
            argv = [sys.executable, path]
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(os.environ, PYTHONPATH=SDK, PYTHONUNBUFFERED=""),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        self.hello = self.read()
        self.send({"versions": [1], "plugin": "test"})

    def send(self, message):
        self.child.stdin.write(json.dumps(message).encode() + b"\n")
        self.child.stdin.flush()

    def read(self):
        line = self.child.stdout.readline()
        return json.loads(line.decode()) if line else None

    def launch(self, action, message_id=1, **params):
        params.update(job="j", action="test." + action)
        params.setdefault("context", {"surface": "cli", "selection": []})
        self.send({"id": message_id, "method": "launch", "params": params})

    def end(self):
        """Hangs up; returns the exit code, what was left on stdout, and the log."""
        self.child.stdin.close()
        rest = self.child.stdout.read()
        code = self.child.wait(10)
        self.child.stdout.close()
        self.errors.seek(0)
        log = self.errors.read().decode()
        self.errors.close()
        self.folder.cleanup()
        return code, rest, log


class Turns(unittest.TestCase):
    def test_prints_go_to_the_log_and_only_messages_to_the_pipe(self):
        host = Host()
        self.assertEqual(host.hello, {"versions": [1]})
        host.launch("echo", values={"a": 1}, state=[2])
        outcome = {"outcome": "done", "message": "ok", "output": {"values": {"a": 1}, "state": [2]}}
        self.assertEqual(host.read(), {"result": outcome, "id": 1})
        code, rest, log = host.end()
        self.assertEqual((code, rest), (0, b""))
        for line in (
            "printed before the plugin was made",
            "printed at the start",
            "printed by the action",
            "written to descriptor one",
            "from a child",
            "served",
        ):
            self.assertIn(line, log)

    def test_a_change_of_a_live_field_is_answered_with_patches(self):
        host = Host()
        ask = {"job": "j", "action": "test.echo", "context": {}, "name": "name", "values": {}, "state": 7}
        host.send({"id": 1, "method": "change", "params": ask})
        asked = host.read()
        self.assertEqual(asked["method"], "settings.get")
        host.send({"id": asked["id"], "result": {"values": {}}})
        patches = [{"name": "note", "value": "name", "error": None}, {"name": "n", "data": [7]}]
        self.assertEqual(host.read(), {"result": {"patches": patches}, "id": 1})
        host.send({"id": 2, "method": "change", "params": dict(ask, values={"name": "wrong"})})
        self.assertEqual(host.read()["error"], {"kind": "invalid", "message": "no such name"})
        # An action that answers no changes changes nothing.
        host.send({"id": 3, "method": "change", "params": dict(ask, action="test.nothing")})
        self.assertEqual(host.read(), {"result": {"patches": []}, "id": 3})
        host.end()

    def test_a_turn_asks_the_host_and_its_outcome_is_a_view(self):
        host = Host()
        host.launch("ask_host")
        told = [host.read() for _ in range(3)]
        self.assertEqual([one["method"] for one in told], ["progress", "notify", "log"])
        self.assertEqual(told[0]["params"], {"text": "looking", "fraction": 0.5})
        status = host.read()
        self.assertEqual(status["params"], {"id": "line", "text": "Busy", "level": "info", "until_ms": 5})
        host.send({"id": status["id"], "result": {}})
        results = {
            "ftrack.query": {"results": [[{"id": "s"}], []]},
            "steps.hand_over": {},
            "dcc.describe": {"rows": [{"r": 1}], "total": 3, "complete": True},
            "store.put": {},
            "store.get": {"value": [1]},
        }
        for method, result in results.items():
            request = host.read()
            self.assertEqual(request["method"], method)
            host.send({"id": request["id"], "result": result})
        outcome = host.read()["result"]
        self.assertEqual(outcome["view"]["items"], [{"id": "s"}, {"r": 1}])
        self.assertEqual(outcome["state"], [1])
        self.assertEqual(host.end()[0], 0)

    def test_a_refusal_of_the_host_becomes_the_turns_failure(self):
        host = Host()
        host.launch("ask_host")
        for _ in range(3):
            host.read()
        refusal = {"kind": "denied", "message": "no", "hint": "ask"}
        host.send({"id": host.read()["id"], "error": refusal})
        self.assertEqual(host.read()["error"], refusal)
        host.end()

    def test_an_exception_fails_the_turn_and_the_process_goes_on(self):
        host = Host()
        host.launch("fall", 1)
        error = host.read()["error"]
        self.assertEqual((error["kind"], error["causes"]), ("plugin", ["KeyError: 'gone'"]))
        host.launch("nothing", 2)
        self.assertEqual(host.read()["error"]["kind"], "plugin")
        host.launch("unheard_of", 3)
        self.assertEqual(host.read()["error"]["kind"], "unsupported")
        host.send({"id": 4, "method": "dance", "params": {}})
        self.assertEqual(host.read(), {"error": {"kind": "unsupported", "message": "unknown method: `dance`"}, "id": 4})
        host.launch("echo", 5)
        self.assertEqual(host.read()["id"], 5)
        code, _, log = host.end()
        self.assertEqual(code, 0)
        self.assertIn("Traceback", log)

    def test_ftrack_is_read_in_pages_and_called(self):
        host = Host()
        host.launch("use_ftrack")
        answers = [
            ("ftrack.page", {"rows": [{}, {}], "next_offset": 2}),
            ("ftrack.page", {"rows": [{}]}),
            ("ftrack.call", {"results": [True]}),
            ("ftrack.download", {"path": "/j/a.mov"}),
            ("job.folder", {"path": "/j"}),
        ]
        for method, result in answers:
            asked = host.read()
            self.assertEqual(asked["method"], method)
            host.send({"id": asked["id"], "result": result})
        output = {"sizes": [2, 1], "made": [True], "film": {"path": "/j/a.mov"}, "folder": "/j"}
        self.assertEqual(host.read()["result"]["output"], output)
        host.end()

    def test_a_cancel_reaches_the_running_turn(self):
        host = Host()
        host.launch("long")
        self.assertEqual(host.read()["method"], "progress")
        first = host.read()
        host.send({"method": "cancel", "params": {}})
        host.send({"id": first["id"], "result": {"value": None}})
        while True:
            message = host.read()
            if "result" in message:
                break
            host.send({"id": message["id"], "result": {"value": None}})
        self.assertEqual(message["result"], {"outcome": "cancelled"})
        host.end()

    def test_end_of_input_ends_a_turn_that_waits_for_the_host(self):
        host = Host()
        host.launch("long")
        host.read()
        host.read()
        self.assertEqual(host.end()[0], 0)


class Hello(unittest.TestCase):
    def test_the_example_says_hello_and_refuses_an_empty_selection(self):
        host = Host(argv=[sys.executable, "hello.py"], cwd=HELLO)
        host.launch("greet", 1, context={"selection": [{"kind": "Shot", "id": "7"}]})
        self.assertEqual(host.read()["result"]["message"], "Hello, Shot 7")
        host.launch("greet", 2)
        error = {"kind": "invalid", "message": "nothing to greet", "hint": "select exactly one thing"}
        self.assertEqual(host.read()["error"], error)
        self.assertEqual(host.end()[0], 0)

    def test_the_example_is_under_twenty_lines(self):
        with open(os.path.join(HELLO, "hello.py")) as file:
            self.assertLess(len(file.readlines()), 20)

    def test_by_hand_it_says_what_it_is(self):
        leader, follower = pty.openpty()
        child = subprocess.Popen(
            [sys.executable, "hello.py"], cwd=HELLO, stdin=follower, stderr=subprocess.PIPE
        )
        _, errors = child.communicate(timeout=10)
        os.close(leader)
        os.close(follower)
        self.assertEqual(child.returncode, 2)
        self.assertIn(b"plugin for Callboard", errors)


if __name__ == "__main__":
    unittest.main()
