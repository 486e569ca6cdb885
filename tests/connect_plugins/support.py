"""Plays the host for one or several children: their stdio, and the order of synchronous events among them."""

import json
import os
import queue
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON_PATH = os.pathsep.join([os.path.join(ROOT, "host/connect/python"), os.path.join(ROOT, "sdk/python")])

# Another interpreter than the one that runs the checks, which needs pytest.
PYTHON = os.environ.get("CALLBOARD_CONNECT_PYTHON", sys.executable)
DEADLINE = 60.0


def hooks_of(plugin):
    return os.path.join(HERE, plugin, "hook")


class Child:
    """One child, and what it has told."""

    def __init__(self, host, *words, environment=None):
        self.host = host
        self.said = []
        self.subscriptions = {}
        self.log = []
        self.has_ended = False
        self._changed = threading.Condition()
        self._answers = {}
        self._last_id = 0
        self._lock = threading.Lock()
        everything = dict(os.environ, PYTHONPATH=PYTHON_PATH, PYTHONDONTWRITEBYTECODE="1")
        everything.update(environment or {})
        self.process = subprocess.Popen(
            [PYTHON, "-m", "callboard_connect", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=everything,
        )
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._read_log)]
        for thread in self._threads:
            thread.start()
        self.write({"versions": [1], "plugin": "test"})

    def write(self, message):
        with self._lock:
            self.process.stdin.write(json.dumps(message).encode("utf-8") + b"\n")
            self.process.stdin.flush()

    def ask(self, method, params, deadline=DEADLINE):
        """Asks the child; returns its whole answer, with `result` or `error`."""
        answer = queue.Queue(maxsize=1)
        with self._changed:
            self._last_id += 1
            request_id = self._last_id
            self._answers[request_id] = answer
        self.write({"id": request_id, "method": method, "params": params})
        return answer.get(timeout=deadline)

    def handle(self, subscription, event):
        return self.ask("connect.handle", {"subscription": subscription, "event": event})

    def wait_for(self, what, deadline=DEADLINE):
        """Returns what `what()` returns as soon as that is true."""
        until = time.monotonic() + deadline
        with self._changed:
            while True:
                found = what()
                if found:
                    return found
                left = until - time.monotonic()
                if left <= 0 or self.has_ended:
                    raise AssertionError("not in time; the child said {}\n{}".format(self.said, "".join(self.log)))
                self._changed.wait(left)

    def told(self, method):
        """Returns the params of what the child has told by that name."""
        return [message.get("params") for message in self.said if message.get("method") == method]

    def loaded(self):
        """Waits for `connect.loaded` and returns the last one."""
        return self.wait_for(lambda: self.told("connect.loaded"))[-1]

    def logged(self, text):
        return self.wait_for(lambda: text in "".join(self.log))

    def end(self, deadline=20.0):
        """Hangs up, and returns the exit code."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the child did not end; it wrote\n" + "".join(self.log))
        finally:
            for thread in self._threads:
                thread.join(5.0)

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line.decode("utf-8"))
            with self._changed:
                self.said.append(message)
                method, params = message.get("method"), message.get("params")
                if method == "connect.subscribed":
                    self.subscriptions[params["id"]] = (params["expression"], params["priority"])
                elif method == "connect.unsubscribed":
                    self.subscriptions.pop(params["id"])
                self._changed.notify_all()
            if "id" in message and method is None:
                self._answers.pop(message["id"]).put(message)
            elif "id" in message:
                threading.Thread(target=self.host.serve, args=(self, message), daemon=True).start()
        with self._changed:
            self.has_ended = True
            self._changed.notify_all()

    def _read_log(self):
        for line in self.process.stderr:
            with self._changed:
                self.log.append(line.decode("utf-8", "replace"))
                self._changed.notify_all()


class Host:
    """Several children, in their order of loading."""

    def __init__(self):
        self.children = []

    def start(self, *words, **options):
        child = Child(self, *words, **options)
        self.children.append(child)
        return child

    def serve(self, child, message):
        if message["method"] != "connect.publish":
            child.write({"id": message["id"], "error": {"kind": "unsupported", "message": "unknown method"}})
            return
        child.write({"id": message["id"], "result": self.publish(message["params"]["event"])})

    def publish(self, event):
        """Asks every subscriber of every child, by priority and then by order of loading."""
        rows = [
            (priority, at, child, subscription)
            for at, child in enumerate(self.children)
            for subscription, (expression, priority) in list(child.subscriptions.items())
            if "topic={}".format(event["topic"]) in expression.replace('"', "")
        ]
        results = []
        for _, _, child, subscription in sorted(rows, key=lambda row: row[:2]):
            answered = child.handle(subscription, event)
            if "error" in answered or answered["result"].get("skipped"):
                continue
            results.append(answered["result"]["result"])
            event = answered["result"]["event"]
            if answered["result"]["stopped"]:
                return {"results": results, "event": event, "stopped": True}
        return {"results": results, "event": event}

    def end(self):
        codes = []
        for child in self.children:
            if child.process.poll() is None:
                codes.append(child.end())
        return codes
