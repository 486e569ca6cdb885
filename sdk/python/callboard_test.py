"""Tests a Callboard plugin that is a program: plays the host on its pipes. Standard library only.

    import callboard_test

    with callboard_test.PluginTest("hello.py", ftrack=lambda expression: [{"name": "sh010"}]) as test:
        outcome = test.launch("greet", selection=[{"kind": "Shot", "id": "s1"}])
    assert outcome["message"] == "Hello, sh010"

What the plugin asked stands in `test.queries`, `test.hand_overs`, `test.notifications`, `test.progress`
and `test.stored`. A turn that fails raises `Failure`. For what goes wrong in real life (late answers,
cancels, a host that goes away) there is `callboard plugins test FOLDER`.
"""

import json
import os
import queue
import subprocess
import sys
import threading

__all__ = ["Failure", "PluginTest"]

TURN_SECS = 30.0


class Failure(Exception):
    """How a turn failed: a kind for a program, one sentence and a hint for a person."""

    def __init__(self, kind, message, hint=None):
        super().__init__(message if hint is None else "{} ({})".format(message, hint))
        self.kind = kind
        self.message = message
        self.hint = hint

    def to_json(self):
        data = {"kind": self.kind, "message": self.message}
        if self.hint:
            data["hint"] = self.hint
        return data


class PluginTest:
    """A plugin's process, and the host at the other end of its pipes."""

    def __init__(self, program, ftrack=None, stored=None, answers=None):
        """Names the program (`"hello.py"`, or a list of words), relative to the working folder.

        `ftrack(expression)` returns entities, `stored` is what the plugin's store holds, and
        `answers` maps further methods of the protocol to functions of their parameters.
        """
        words = [sys.executable, program] if isinstance(program, str) else list(program)
        self.queries = []
        self.hand_overs = []
        self.notifications = []
        self.progress = []
        self.stored = dict(stored or {})
        self._ftrack = ftrack or _no_ftrack
        self._answers = dict(answers or {})
        self._words = words
        self._process = None
        self._is_changing = False
        self._messages = queue.Queue(maxsize=1024)
        self._last_id = 0

    def __enter__(self):
        environment = dict(os.environ, PYTHONUNBUFFERED="1")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._words, stdin=pipe, stdout=pipe, env=environment)
        reader = threading.Thread(target=self._read, name="host-reader")
        reader.daemon = True
        reader.start()
        self._send({"versions": [1], "plugin": "test"})
        hello = self._next()
        if 1 not in hello.get("versions", ()):
            raise AssertionError("the plugin said no hello, but {}".format(json.dumps(hello)))
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("the plugin goes on after the host went away")
        finally:
            self._process.stdout.close()

    def launch(self, action, selection=(), values=None, state=None, steps=None, **context):
        """Runs one turn and returns its outcome; one that fails raises its `Failure`."""
        self._last_id += 1
        context.setdefault("surface", "cli")
        context.setdefault("user", "test")
        context["selection"] = list(selection)
        params = {
            "job": "job-{}".format(self._last_id),
            "action": "test." + action,
            "context": context,
            "values": values or {},
            "state": state,
        }
        if steps is not None:
            params["steps"] = steps
        self._send({"id": self._last_id, "method": "launch", "params": params})
        return self._until_answered(self._last_id)

    def change(self, action, name, selection=(), values=None, state=None, **context):
        """Changes the live field `name` of a form, and returns the patches; a failure is raised."""
        self._last_id += 1
        context.setdefault("surface", "cli")
        context.setdefault("user", "test")
        context["selection"] = list(selection)
        params = {
            "job": "job-{}".format(self._last_id),
            "action": "test." + action,
            "context": context,
            "name": name,
            "values": values or {},
            "state": state,
        }
        self._send({"id": self._last_id, "method": "change", "params": params})
        self._is_changing = True
        try:
            return self._until_answered(self._last_id)["patches"]
        finally:
            self._is_changing = False

    def _until_answered(self, turn):
        while True:
            message = self._next()
            method, asked = message.get("method"), message.get("id")
            if method is None:
                assert asked == turn, "the plugin answered what was not asked"
                if "error" in message:
                    error = message["error"]
                    raise Failure(error.get("kind"), error.get("message"), error.get("hint"))
                return message.get("result")
            params = message.get("params") or {}
            if asked is None:
                self._take(method, params)
                continue
            try:
                self._send({"id": asked, "result": self._answer(method, params)})
            except Failure as failure:
                self._send({"id": asked, "error": failure.to_json()})

    def _answer(self, method, params):
        if self._is_changing and method in ("steps.hand_over", "store.put"):
            raise Failure("denied", "`{}` cannot be asked while a form changes".format(method))
        if method in self._answers:
            return self._answers[method](params)
        if method == "ftrack.query":
            self.queries.extend(params["expressions"])
            return {"results": [self._ftrack(each) for each in params["expressions"]]}
        if method == "steps.hand_over":
            if params["key"] not in [earlier["key"] for earlier in self.hand_overs]:
                self.hand_overs.append(params)
            return {}
        if method == "store.get":
            return {"value": self.stored.get(params["key"])}
        if method == "store.put":
            if params["value"] is None:
                self.stored.pop(params["key"], None)
            else:
                self.stored[params["key"]] = params["value"]
            return {}
        raise Failure("unsupported", "the test answers no `{}`".format(method), "give it one in `answers`")

    def _take(self, method, params):
        if method == "notify":
            self.notifications.append(params)
        elif method == "progress":
            self.progress.append(params)

    def _send(self, message):
        line = json.dumps(message, ensure_ascii=False).encode("utf-8") + b"\n"
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError("the plugin does not listen any more")

    def _next(self):
        try:
            line = self._messages.get(timeout=TURN_SECS)
        except queue.Empty:
            raise AssertionError("the plugin said nothing for {} s".format(TURN_SECS))
        if line is None:
            raise AssertionError("the plugin's process ended; what it printed says why")
        return json.loads(line.decode("utf-8"))

    def _read(self):
        for line in self._process.stdout:
            self._messages.put(line)
        self._messages.put(None)


def _no_ftrack(expression):
    raise Failure("unavailable", "the test has no ftrack to ask: " + expression, "give it one with `ftrack`")
