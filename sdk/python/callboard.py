"""Callboard for Python: speak on the local bus, or be a plugin. One file, standard library only.

An application (Python 3.7 or newer) is a `Client`. Nothing that it calls blocks; threads of its
own do the talking, and callbacks run on those:

    client = callboard.Client("my tool 1.0")
    client.publish(callboard.event("ftrack.action.discover", {"selection": []}), wait_secs=5).wait()

A program plugin is a `Plugin`, and what it prints lands in the log:

    plugin = callboard.Plugin()

    @plugin.action("greet")
    def greet(launch, host):
        return callboard.done("Hello")

    plugin.serve()

The messages are those of `docs/protocol.md`.
Read first: `Failure` (what goes wrong), `Client`, `Plugin`.
"""

import base64
import faulthandler
import functools
import hashlib
import json
import logging
import os
import queue
import random
import signal
import socket
import stat
import sys
import threading
import time
import uuid

__all__ = [
    "Answer", "Change", "Client", "Failure", "Host", "Launch", "Plugin", "Request",
    "asks", "bus_path", "cancelled", "done", "event", "new_id", "partly", "patch", "quote", "waits",
]

VERSIONS = [1]
MAX_LINE_BYTES = 8 * 1024 * 1024
MAX_PATH_BYTES = 100
MAX_QUEUED = 64

CONNECT_SECS = 1.0
HELLO_SECS = 3.0
WRITE_SECS = 5.0
RETRY_SECS = (0.2, 15.0)

_log = logging.getLogger("callboard")


class Failure(Exception):
    """What went wrong: a kind for a program, one sentence and a hint for a person."""

    def __init__(self, kind, message, hint=None, causes=()):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.causes = list(causes)

    @classmethod
    def from_json(cls, data):
        """Reads a failure off the wire; a kind of the future is kept as it is."""
        if not isinstance(data, dict):
            return cls("unknown", "an error that is not in the protocol's form")
        return cls(
            str(data.get("kind", "unknown")),
            str(data.get("message", "")),
            data.get("hint"),
            data.get("causes") or (),
        )

    def to_json(self):
        """Returns the failure as it travels."""
        data = {"kind": self.kind, "message": self.message}
        if self.hint:
            data["hint"] = self.hint
        if self.causes:
            data["causes"] = self.causes
        return data


def _tell_where_on_signal():
    """Lets the host ask where every thread stands, which it does before it ends a plugin that does not answer."""
    if hasattr(faulthandler, "register") and hasattr(signal, "SIGUSR2"):
        try:
            faulthandler.register(signal.SIGUSR2, file=sys.__stderr__, all_threads=True)
        except (AttributeError, OSError, RuntimeError, ValueError):
            pass  # Without a real stderr there is nobody to tell.


class Answer:
    """The answer that a request will get: a result, or a failure."""

    def __init__(self, timeout):
        self.deadline = time.monotonic() + timeout
        self.result = None
        self.failure = None
        self._settled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks = []

    def wait(self):
        """Blocks until the answer is there, at most until the deadline, and returns the result.

        Raises the `Failure` when there is one.
        """
        # The link settles at the deadline; the second more is for when it is held up itself.
        self._settled.wait(max(0.0, self.deadline - time.monotonic()) + 1.0)
        self._settle(None, _timed_out())
        if self.failure is not None:
            raise self.failure
        return self.result

    def then(self, callback):
        """Calls `callback(answer)` once it is there, on the thread that brings it."""
        with self._lock:
            if not self._settled.is_set():
                self._callbacks.append(callback)
                return self
        callback(self)
        return self

    def _settle(self, result, failure=None):
        with self._lock:
            if self._settled.is_set():
                return
            self.result, self.failure = result, failure
            self._settled.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _call_safely(callback, self)


class Request:
    """Something that the other side asks; answer it now or later, from any thread, once."""

    def __init__(self, method, params, send):
        self.method = method
        self.params = params if isinstance(params, dict) else {}
        self._send = send

    def answer(self, result):
        """Answers with a result."""
        self._send({"result": result})

    def fail(self, failure):
        """Answers with a `Failure`."""
        self._send({"error": failure.to_json()})


class _Calls:
    """Requests of ours that wait for their answers."""

    def __init__(self):
        self._lock = threading.Lock()
        self._last_id = 0
        self._waiting = {}

    def add(self, answer):
        with self._lock:
            self._last_id += 1
            self._waiting[self._last_id] = answer
            return self._last_id

    def settle(self, message):
        with self._lock:
            answer = self._waiting.pop(message.get("id"), None)
        if answer is None:
            return
        if "error" in message:
            answer._settle(None, Failure.from_json(message["error"]))
        else:
            answer._settle(message.get("result"))

    def fail_all(self, failure):
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer._settle(None, failure)

    def expire(self):
        """Settles what is overdue; returns the next deadline, or None."""
        now = time.monotonic()
        with self._lock:
            overdue = [key for key, answer in self._waiting.items() if answer.deadline <= now]
            answers = [self._waiting.pop(key) for key in overdue]
            left = [answer.deadline for answer in self._waiting.values()]
        for answer in answers:
            answer._settle(None, _timed_out())
        return min(left) if left else None


class _Lines:
    """Cuts bytes into messages; a line that is too long or no JSON object is left out."""

    def __init__(self):
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data):
        messages = []
        self._buffer += data
        while True:
            end = self._buffer.find(b"\n")
            if end < 0:
                break
            line, self._buffer = bytes(self._buffer[:end]), self._buffer[end + 1 :]
            if self._skipping or len(line) > MAX_LINE_BYTES:
                self._skipping = False
                _log.warning("left out a line of more than %d bytes", MAX_LINE_BYTES)
                continue
            message = _message_from_line(line)
            if message is not None:
                messages.append(message)
        if len(self._buffer) > MAX_LINE_BYTES:
            self._skipping = True
            self._buffer = bytearray()
        return messages


class Client:
    """A client of the local bus.

    Its methods only queue and return at once, and none of them touches a socket or a disk.
    The connection is made with the first request, kept from then on, and made again with growing
    pauses when it breaks. A request that finds no host fails at once; one that finds a silent
    host fails at its deadline, or a few seconds after it asked, whichever is first.
    """

    def __init__(self, name, scope="dcc", surface="dcc", path=None):
        self._hello = {"versions": VERSIONS, "scope": scope, "surface": surface, "name": name}
        self._path = path
        self._outbox = queue.SimpleQueue()
        self._calls = _Calls()
        self._timers = _Calls()
        self._handlers = {}
        self._listeners = []
        self._reconnect_listeners = []
        self._subscriptions = []
        self._socket = None
        self._generation = 0
        self._retry_at = None
        self._pause = RETRY_SECS[0]
        self._last_refusal = (0.0, None)
        self._closed = False
        self._start_lock = threading.Lock()
        self._thread = None
        self.welcome = None

    # What callers use, on any thread.

    def request(self, method, params=None, timeout=10.0):
        """Asks the host; returns the `Answer` to come."""
        return self._queue(self._do_request, method, {} if params is None else params, timeout)

    def publish(self, event, wait_secs=None, max_replies=None, timeout=None):
        """Publishes an event; the answer holds the `replies`, none when not waiting."""
        params = {"event": event}
        if wait_secs is not None:
            params["wait_secs"] = wait_secs
        if max_replies is not None:
            params["max_replies"] = max_replies
        return self.request("publish", params, timeout or (wait_secs or 0.0) + 5.0)

    def reply(self, to, data):
        """Replies to an event that came."""
        reply = event("ftrack.meta.reply", data)
        reply["inReplyToEvent"] = to.get("id")
        return self.request("reply", {"event": reply})

    def subscribe(self, subscription, subscriber=None):
        """Asks for events, now and after every connect; the answer is the one to the first try."""
        params = {"subscription": subscription}
        if subscriber:
            params["subscriber"] = subscriber
        return self._queue(self._do_subscribe, "subscribe", params, 10.0)

    def on_event(self, listener):
        """Calls `listener(event)` for every event that comes."""
        self._listeners.append(listener)

    def on_reconnect(self, listener):
        """Calls `listener()` on the client's thread whenever the host is back after it was gone.

        What was launched before may have ended meanwhile. The same launch event, published again
        with its own `id`, is answered with how its job stands, and is no second launch.
        """
        self._reconnect_listeners.append(listener)

    def on_request(self, method, handler):
        """Calls `handler(request)` for what the host asks; it must see to an answer."""
        self._handlers[method] = handler

    def call_later(self, seconds, function):
        """Calls `function()` on the client's thread once this much time has passed."""
        answer = Answer(seconds)
        answer.then(lambda _: function())
        self._put(self._timers.add, answer)

    def close(self, timeout=2.0):
        """Ends the connection; everything that still waits fails."""
        self._closed = True
        thread = self._thread
        if thread is not None:
            self._outbox.put(None)
            if thread is not threading.current_thread():
                thread.join(timeout)

    def _queue(self, function, method, params, timeout):
        answer = Answer(timeout)
        if self._closed:
            answer._settle(None, Failure("unavailable", "the connection to Callboard was closed"))
        elif self._outbox.qsize() >= MAX_QUEUED:
            answer._settle(None, Failure("limit", "too much is waiting for Callboard already"))
        else:
            self._put(function, method, params, answer, time.monotonic())
        return answer

    # The thread that connects and writes.

    def _put(self, function, *arguments):
        self._outbox.put((function, arguments))
        if self._thread is None:
            with self._start_lock:
                if self._thread is None:
                    self._thread = _start_thread("callboard-bus", self._run)

    def _run(self):
        while True:
            moments = (self._calls.expire(), self._timers.expire(), self._retry_at)
            due = [moment for moment in moments if moment]
            timeout = max(0.0, min(due) - time.monotonic()) if due else None
            try:
                item = self._outbox.get(timeout=timeout)
            except queue.Empty:
                item = (self._retry, ())
            if item is None:
                break
            _call_safely(item[0], *item[1])
        self._drop(Failure("unavailable", "the connection to Callboard was closed"))

    def _do_request(self, method, params, answer, asked):
        try:
            if answer.deadline <= time.monotonic():
                raise _timed_out()
            if self._socket is None:
                refused_at, refusal = self._last_refusal
                # Whoever asked before the last try failed shares its outcome.
                if refusal is not None and asked <= refused_at:
                    raise refusal
                self._connect()
            request_id = self._calls.add(answer)
            self._write({"id": request_id, "method": method, "params": params})
        except Failure as failure:
            answer._settle(None, failure)

    def _do_subscribe(self, method, params, answer, asked):
        self._do_request(method, params, answer, asked)
        self._subscriptions.append(params)

    def _retry(self):
        if self._retry_at is None or self._retry_at > time.monotonic() or self._socket is not None:
            return
        try:
            self._connect()
        except Failure as failure:
            _log.debug("not connected: %s", failure)

    def _connect(self):
        try:
            path = self._path or bus_path()
            connection, lines, early = _open(path, self._hello)
        except Failure as failure:
            self._last_refusal = (time.monotonic(), failure)
            if self.welcome is not None:
                self._schedule_retry()
            raise
        is_again = self.welcome is not None
        self.welcome = early.pop(0)
        self._socket = connection
        self._generation += 1
        self._retry_at, self._pause = None, RETRY_SECS[0]
        reader = (connection, lines, early, self._generation)
        _start_thread("callboard-bus-read", self._read, *reader)
        for params in self._subscriptions:
            request_id = self._calls.add(Answer(10.0).then(self._subscribed_again))
            self._write({"id": request_id, "method": "subscribe", "params": params})
        for listener in self._reconnect_listeners if is_again else ():
            _call_safely(listener)

    def _subscribed_again(self, answer):
        if answer.failure is not None and not self._closed:
            _log.warning("could not subscribe again: %s", answer.failure)

    def _schedule_retry(self):
        # Jitter keeps many clients from coming back at once.
        self._retry_at = time.monotonic() + self._pause * random.uniform(0.5, 1.0)
        self._pause = min(self._pause * 2, RETRY_SECS[1])

    def _write(self, message):
        line = _line_from_message(message)
        if self._socket is None:
            raise _not_running()
        try:
            self._socket.sendall(line)
        except OSError as error:
            lost = Failure("unavailable", "Callboard went away", causes=[str(error)])
            self._drop(lost)
            self._schedule_retry()
            raise lost

    def _answer(self, generation, request_id, body):
        # An answer belongs to the connection that asked.
        if generation == self._generation and self._socket is not None:
            try:
                self._write(dict(body, id=request_id))
            except Failure as failure:
                _log.warning("could not answer: %s", failure)
                # Still connected: the answer was at fault, and whoever asked is told.
                if self._socket is not None:
                    self._write({"id": request_id, "error": failure.to_json()})

    def _lost(self, generation):
        if generation == self._generation and self._socket is not None:
            self._drop(Failure("unavailable", "Callboard went away", "start it again"))
            self._schedule_retry()

    def _drop(self, failure):
        if self._socket is not None:
            try:
                # Wakes the reader, which closes it; closing it here would not wake anybody.
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                _log.debug("already shut: %s", error)
            self._socket = None
        self._calls.fail_all(failure)

    # The thread that reads, one for each connection.

    def _read(self, connection, lines, messages, generation):
        while True:
            for message in messages:
                _call_safely(self._take, message, generation)
            try:
                data = connection.recv(65536)
            except socket.timeout:
                messages = []
                continue
            except OSError:
                data = b""
            if not data:
                connection.close()
                self._put(self._lost, generation)
                return
            messages = lines.feed(data)

    def _take(self, message, generation):
        method, request_id = message.get("method"), message.get("id")
        params = message.get("params")
        if method is None:
            self._calls.settle(message)
        elif request_id is None:
            if method == "event" and isinstance(params, dict):
                for listener in list(self._listeners):
                    _call_safely(listener, params.get("event") or {})
        else:
            send = functools.partial(self._put, self._answer, generation, request_id)
            _dispatch(self._handlers.get(method), Request(method, params, send))


def bus_path(environ=None):
    """Returns where the bus's socket is, and checks who owns the folder where that matters."""
    environ = os.environ if environ is None else environ
    if not hasattr(socket, "AF_UNIX") or not hasattr(os, "getuid"):
        raise Failure("unsupported", "this Python cannot open the local bus on this system")
    own = os.path.join(environ.get("TMPDIR") or "/tmp", "callboard-{}".format(os.getuid()))
    if environ.get("CALLBOARD_BUS"):
        path = environ["CALLBOARD_BUS"]
    elif environ.get("CALLBOARD_HOME"):
        path = os.path.join(environ["CALLBOARD_HOME"], "bus.sock")
    elif environ.get("XDG_RUNTIME_DIR"):
        path = os.path.join(environ["XDG_RUNTIME_DIR"], "callboard", "bus.sock")
    else:
        path = os.path.join(own, "bus.sock")
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()
        path = os.path.join(own, digest[:16] + ".sock")
    if os.path.dirname(path) == own:
        _check_owner(own)
    return path


def event(topic, data, target=""):
    """Makes an event in ftrack's own envelope; the host fills in who published it."""
    return {
        "topic": topic,
        "data": data,
        "id": new_id(),
        "sent": None,
        "source": {},
        "target": target,
        "inReplyToEvent": None,
    }


def event_step(step, topic, data, needs=(), in_doubt="repeat"):
    """Returns a step that publishes an event on the hub, once all that the steps `needs` do is done. Needs `events`.

    The event gets its id here. Nobody can look up whether an event was published: should the
    confirmation be lost, it is published again under the same id, or its step fails with
    `in_doubt="fail"`.
    """
    return {
        "id": step,
        "label": "publish `{}`".format(topic),
        "needs": list(needs),
        "kind": "event",
        "event": event(topic, data),
        "in_doubt": in_doubt,
    }


def quote(text):
    """Returns a text as a string of ftrack's query language: in double quotes, escaped."""
    return '"{}"'.format(str(text).replace("\\", "\\\\").replace('"', '\\"'))


def new_id():
    """Makes an id that is unique, but no secret.

    Not `uuid.uuid4`: asking the system for randomness lets go of the interpreter's lock, and a
    busy main thread may wait 5 ms to get it back.
    """
    return uuid.UUID(int=random.getrandbits(128), version=4).hex


# Plugins.


def done(message, output=None):
    """The outcome of a turn that did everything."""
    return {"outcome": "done", "message": message, "output": output}


def partly(message, output=None):
    """The outcome of a turn that did a part; a retry does the rest."""
    return {"outcome": "partly", "message": message, "output": output}


def asks(view, state=None):
    """The outcome of a turn that shows a form and goes on when it is answered."""
    return {"outcome": "asks", "view": view, "state": state}


def waits():
    """The outcome of a turn that handed steps over."""
    return {"outcome": "waits"}


def cancelled():
    """The outcome of a turn that was cancelled."""
    return {"outcome": "cancelled"}


def patch(name, **changes):
    """A change of the item `name` of a form, as a function marked by `Plugin.change` returns them.

    What may change: `value`, `data` (choices), `label`, `error` (None for nothing), `visible`,
    `required`, `rows` (edits of a table), and `item` (the whole item anew).
    """
    return dict(changes, name=name)


class Change:
    """The change of a live field, in a form that is being filled in."""

    def __init__(self, params):
        self.job = params.get("job", "")
        self.action = params.get("action", "")
        self.context = params.get("context") or {}
        self.name = params.get("name", "")
        self.values = params.get("values") or {}
        self.state = params.get("state")
        self.settings = params.get("settings") or {}

    @property
    def selection(self):
        """The selected entities: dictionaries with `kind` and `id`."""
        return self.context.get("selection") or []


class Launch:
    """What a turn is asked to do."""

    def __init__(self, params):
        self.job = params.get("job", "")
        self.action = params.get("action", "")
        self.context = params.get("context") or {}
        self.values = params.get("values") or {}
        self.state = params.get("state")
        self.steps = params.get("steps")
        self.settings = params.get("settings") or {}
        self.event = params.get("event")

    @property
    def selection(self):
        """The selected entities: dictionaries with `kind` and `id`."""
        return self.context.get("selection") or []


class Host:
    """What the host does for a plugin while a turn runs; every call blocks and has a deadline."""

    def __init__(self, plugin):
        self._plugin = plugin

    @property
    def is_cancelled(self):
        """Whether the turn should end soon."""
        return self._plugin._cancelled.is_set()

    def query(self, *expressions, **options):
        """Returns one list of entities for each expression. Needs `ftrack.read`."""
        return self._ask("ftrack.query", {"expressions": list(expressions)}, **options)["results"]

    def pages(self, expression, limit=500, **options):
        """Yields the rows of a long answer page by page. Needs `ftrack.read`.

        With `order by id` in the expression no row is missed or told twice.
        """
        offset = 0
        while offset is not None:
            params = {"expression": expression, "offset": offset, "limit": limit}
            page = self._ask("ftrack.page", params, **options)
            yield page["rows"]
            # An offset that does not grow would never end.
            further = page.get("next_offset")
            offset = further if further is not None and further > offset else None

    def call(self, *operations, **options):
        """Carries out operations at once, all or none, and returns what ftrack made of each.

        Each needs its permission, such as `ftrack.create.Note`. It is never tried again: when the
        kind of the `Failure` is `interrupted` or `timed_out`, look whether it happened.
        """
        options.setdefault("timeout", 150.0)
        return self._ask("ftrack.call", {"operations": list(operations)}, **options)["results"]

    def download(self, component_id, name, thumbnail=None, max_bytes=None, **options):
        """Fetches a component's file, or its thumbnail of so many pixels, into the job's folder.

        Returns a dictionary with `path`, `size_bytes` and `checksum`. Needs `ftrack.read`.
        """
        params = {"component_id": component_id, "name": name}
        if thumbnail is not None:
            params["thumbnail"] = thumbnail
        if max_bytes is not None:
            params["max_bytes"] = max_bytes
        # The time that a turn may take ends it long before.
        options.setdefault("timeout", 24 * 3600.0)
        return self._ask("ftrack.download", params, **options)

    def http(self, url, method="GET", headers=(), body=None, timeout_secs=60, file=None, max_bytes=None):
        """Asks a web server; needs `http:HOST`. A body is text, bytes, or sent as JSON otherwise.

        Returns a dictionary with `status`, `url`, `headers` (pairs), and `content` (bytes), or
        `file` (a dictionary with `path`) where the answer went into a file of the job's folder.
        """
        headers = [list(pair) for pair in (headers.items() if hasattr(headers, "items") else headers)]
        params = {"url": url, "method": method, "headers": headers, "timeout_secs": timeout_secs}
        if isinstance(body, bytes):
            params["body"] = {"base64": base64.b64encode(body).decode("ascii")}
        elif isinstance(body, str):
            params["body"] = {"text": body}
        elif body is not None:
            params["body"] = {"text": json.dumps(body)}
            headers.append(["content-type", "application/json"])
        if file is not None:
            params["file"] = file
        if max_bytes is not None:
            params["max_bytes"] = max_bytes
        answer = self._ask("http.request", params, timeout=timeout_secs + 30.0)
        content = answer.pop("body", None) or {}
        if "base64" in content:
            answer["content"] = base64.b64decode(content["base64"])
        elif "text" in content:
            answer["content"] = content["text"].encode("utf-8")
        return answer

    def open(self, target, **options):
        """Opens a file, a folder or a link where the person is. Needs `open`."""
        self._ask("open", {"target": target}, **options)

    def secret(self, key, **options):
        """Returns a secret that the plugin keeps, or None. Needs `secret`."""
        return self._ask("secret.get", {"key": key}, **options).get("value")

    def keep_secret(self, key, value, **options):
        """Keeps a secret, None removes it; returns where: `keyring`, or `file` where there is none."""
        return self._ask("secret.put", {"key": key, "value": value}, **options)["place"]

    def folder(self, **options):
        """Returns the path of the job's folder, where the plugin may read and write."""
        return self._ask("job.folder", {}, **options)["path"]

    def hand_over(self, key, steps, state=None, **options):
        """Hands work over; once it returns the work will be done, exactly once (see `event_step`)."""
        params = {"key": key, "steps": steps, "state": state}
        self._ask("steps.hand_over", params, **options)

    def describe(self, selection_id, offset=0, limit=200, **options):
        """Returns one page of what is selected in the application. Needs `dcc`."""
        params = {"selection_id": selection_id, "offset": offset, "limit": limit}
        return self._ask("dcc.describe", params, **options)

    def load(self, key, **options):
        """Returns a stored value, or None. Needs `store`."""
        return self._ask("store.get", {"key": key}, **options).get("value")

    def store(self, key, value, **options):
        """Stores a value durably; None removes it. Needs `store`."""
        self._ask("store.put", {"key": key, "value": value}, **options)

    def subscribe(self, expression, on="hub", **options):
        """Asks for events until the turn ends; returns the subscription's number. Needs `events`."""
        params = {"on": on, "subscription": expression}
        return self._ask("events.subscribe", params, **options)["subscription_id"]

    def unsubscribe(self, subscription_id, **options):
        """Ends a subscription."""
        self._ask("events.unsubscribe", {"subscription_id": subscription_id}, **options)

    def next_events(self, wait_secs=30.0):
        """Waits for events, a minute at most; returns those that came, none when the time is up."""
        answer = self._ask("events.next", {"wait_secs": wait_secs}, timeout=wait_secs + 30.0)
        return [heard["event"] for heard in answer["events"]]

    def publish(self, event, on="hub", wait_secs=None, max_replies=None):
        """Publishes an event; returns the replies, none when not waiting. Needs `events`."""
        params = {"on": on, "event": event}
        if wait_secs is not None:
            params["wait_secs"] = wait_secs
        if max_replies is not None:
            params["max_replies"] = max_replies
        answer = self._ask("events.publish", params, timeout=(wait_secs or 0.0) + 60.0)
        return answer["replies"]

    def launch(self, key, action, values=None, selection=(), wait_secs=None):
        """Launches an action as a child of the job; returns how it stands. Needs `jobs`.

        The same key twice is the same child; one that failed is run again. With `wait_secs` it is
        waited for, that long at most; it goes on then.
        """
        deadline = None if wait_secs is None else time.monotonic() + wait_secs
        params = {"key": key, "action": action, "values": values or {}, "selection": list(selection)}
        while True:
            if deadline is not None:
                params["wait_secs"] = min(30.0, max(0.0, deadline - time.monotonic()))
            child = self._ask("jobs.launch", params)
            is_moving = child["state"] in ("queued", "running", "working")
            if deadline is None or not is_moving or time.monotonic() >= deadline or self.is_cancelled:
                return child

    def attach(self, name, **options):
        """Attaches a file in the job's folder to the job, by its name there."""
        return self._ask("jobs.attach", {"name": name}, **options)

    def settings(self, **options):
        """Returns what is set for the plugin now, secrets included."""
        return self._ask("settings.get", {}, **options)["values"]

    def status(self, line, text=None, level="info", until_ms=None, **options):
        """Makes a `[[status]]` line say something; None is the manifest's own text again."""
        params = {"id": line, "level": level}
        if text is not None:
            params["text"] = text
        if until_ms is not None:
            params["until_ms"] = until_ms
        self._ask("status.set", params, **options)

    def swap(self, key, expected, value, **options):
        """Stores a value if the one there is `expected`, and tells whether it was; None is no value."""
        params = {"key": key, "expected": expected, "value": value}
        return self._ask("store.swap", params, **options)["swapped"]

    def keys(self, prefix="", **options):
        """Yields the keys of stored values that begin with `prefix`, in order. Needs `store`."""
        params = {"prefix": prefix}
        while True:
            told = self._ask("store.keys", params, **options)
            for key in told["keys"]:
                yield key
            if not told["more"] or not told["keys"]:
                return
            params = {"prefix": prefix, "after": told["keys"][-1]}

    def append(self, log, value, key=None, **options):
        """Appends an entry to a log and returns its number; with a key, the same again is no second one."""
        params = {"log": log, "value": value}
        if key is not None:
            params["key"] = key
        return self._ask("store.append", params, **options)["number"]

    def entries(self, log, after=0, **options):
        """Yields the entries behind a number, oldest first: dictionaries with `number`, `key`, `value`."""
        while True:
            told = self._ask("store.entries", {"log": log, "after": after}, **options)
            for entry in told["entries"]:
                yield entry
            if not told["more"] or not told["entries"]:
                return
            after = told["entries"][-1]["number"]

    def trim(self, log, until, **options):
        """Removes the entries of a log up to the number `until`, that one too."""
        self._ask("store.trim", {"log": log, "until": until}, **options)

    def notify(self, title, message="", level="info"):
        """Tells the person something. Needs `notify`."""
        self._tell("notify", {"level": level, "title": title, "message": message})

    def log(self, message, level="info"):
        """Writes a line to the plugin's log."""
        self._tell("log", {"level": level, "message": message})

    def progress(self, text="", fraction=None, step=None):
        """Says how far the turn is; `step` is which part of the whole: "2 of 3"."""
        params = {"text": text}
        if step is not None:
            params["step"] = step
        if fraction is not None:
            params["fraction"] = fraction
        self._tell("progress", params)

    def _ask(self, method, params, timeout=60.0):
        answer = Answer(timeout)
        request_id = self._plugin._calls.add(answer)
        self._plugin._send({"id": request_id, "method": method, "params": params})
        return answer.wait() or {}

    def _tell(self, method, params):
        self._plugin._send({"method": method, "params": params})


class Plugin:
    """A program plugin. Make it first: from then on prints go to the log, not into the protocol."""

    def __init__(self, streams=None):
        self._actions = {}
        self._changes = {}
        self._calls = _Calls()
        self._cancelled = threading.Event()
        self._turns = queue.Queue(maxsize=1)
        self._send_lock = threading.Lock()
        by_hand = streams is None and sys.stdin is not None and sys.stdin.isatty()
        self._streams = streams if streams is not None or by_hand else _take_streams()

    def action(self, name):
        """Marks the function that carries out an action: `function(launch, host)`."""

        def keep(function):
            self._actions[name] = function
            return function

        return keep

    def change(self, name):
        """Marks the function that answers changes of an action's live fields: `function(change, host)`.

        It returns a list of `patch`es. Somebody waits at the form: it answers soon, and asks the host
        for nothing that changes anything, which is refused.
        """

        def keep(function):
            self._changes[name] = function
            return function

        return keep

    def serve(self):
        """Carries out actions until the host hangs up."""
        if self._streams is None:
            names = ", ".join(sorted(self._actions)) or "none"
            sys.stderr.write("This is a plugin for Callboard, which starts it. Actions: " + names + "\n")
            sys.exit(2)
        _tell_where_on_signal()
        self._send({"versions": VERSIONS})
        _start_thread("callboard-pipe", self._read)
        while True:
            turn = self._turns.get()
            if turn is None:
                return
            try:
                self._run_turn(turn)
            except BrokenPipeError:
                return

    def _run_turn(self, request):
        is_change = request.method == "change"
        launch = Change(request.params) if is_change else Launch(request.params)
        name = launch.action.partition(".")[2]
        function = (self._changes if is_change else self._actions).get(name)
        try:
            if is_change:
                patches = function(launch, Host(self)) if function is not None else []
                if not isinstance(patches, (list, tuple)):
                    raise TypeError("a change is answered with a list of patches")
                request.answer({"patches": list(patches)})
                return
            if function is None:
                raise Failure("unsupported", "no such action: `{}`".format(launch.action))
            outcome = function(launch, Host(self))
            if isinstance(outcome, str):
                outcome = done(outcome)
            if not isinstance(outcome, dict):
                raise TypeError("an action returns an outcome or a sentence")
            request.answer(outcome)
        except Failure as failure:
            request.fail(failure)
        except BrokenPipeError:
            raise
        except Exception as error:
            _log.exception("`%s` raised", launch.action)
            cause = "{}: {}".format(type(error).__name__, error)
            message = "`{}` stopped with an error".format(launch.action)
            request.fail(Failure("plugin", message, "read the plugin's log", [cause]))

    def _read(self):
        lines, source = _Lines(), self._streams[0]
        while True:
            data = source.read1(65536)
            if not data:
                break
            for message in lines.feed(data):
                self._take(message)
        self._cancelled.set()
        self._calls.fail_all(Failure("unavailable", "Callboard hung up"))
        self._turns.put(None)

    def _take(self, message):
        method, request_id = message.get("method"), message.get("id")
        if method == "cancel":
            self._cancelled.set()
        elif method is not None and request_id is not None:
            send = functools.partial(self._send_answer, request_id)
            request = Request(method, message.get("params"), send)
            _dispatch(self._queue_turn if method in ("launch", "change") else None, request)
        elif method is None and request_id is not None:
            self._calls.settle(message)
        elif "error" in message:
            _log.error("the host refuses: %s", Failure.from_json(message["error"]))

    def _queue_turn(self, request):
        self._cancelled.clear()
        try:
            self._turns.put_nowait(request)
        except queue.Full:
            request.fail(Failure("limit", "a process of a plugin runs one job at a time"))

    def _send_answer(self, request_id, body):
        self._send(dict(body, id=request_id))

    def _send(self, message):
        line = _line_from_message(message)
        with self._send_lock:
            self._streams[1].write(line)
            self._streams[1].flush()


# What both use.


def _open(path, hello):
    """Connects and greets; returns the socket, its line cutter and the messages read so far."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    lines, messages = _Lines(), []
    try:
        connection.settimeout(CONNECT_SECS)
        connection.connect(path)
        connection.sendall(_line_from_message(hello))
        give_up = time.monotonic() + HELLO_SECS
        while not messages:
            connection.settimeout(max(0.01, give_up - time.monotonic()))
            data = connection.recv(65536)
            if not data:
                raise Failure("unavailable", "Callboard hung up", "start it again")
            messages = lines.feed(data)
        if "error" in messages[0]:
            raise Failure.from_json(messages[0]["error"])
        if not set(messages[0].get("versions") or ()) & set(VERSIONS):
            raise Failure("unsupported", "this Callboard speaks another protocol", "update it")
        connection.settimeout(WRITE_SECS)
        return connection, lines, messages
    # A full backlog of a host that accepts nobody shows as EAGAIN.
    except (socket.timeout, BlockingIOError) as error:
        connection.close()
        raise Failure(
            "timed_out", "Callboard does not answer", "quit it and start it again", [str(error)]
        )
    except OSError as error:
        connection.close()
        raise _not_running(error)
    except Failure:
        connection.close()
        raise


def _check_owner(folder):
    try:
        found = os.lstat(folder)
    except OSError as error:
        raise _not_running(error)
    is_private = found.st_uid == os.getuid() and not found.st_mode & 0o077
    if not is_private or not stat.S_ISDIR(found.st_mode):
        raise Failure(
            "denied",
            "the bus's folder does not belong to you alone: `{}`".format(folder),
            "remove it, or set CALLBOARD_BUS",
        )


def _dispatch(handler, request):
    if handler is None:
        request.fail(Failure("unsupported", "unknown method: `{}`".format(request.method)))
        return
    try:
        handler(request)
    except Failure as failure:
        request.fail(failure)
    except Exception as error:
        _log.exception("`%s` failed", request.method)
        request.fail(Failure("internal", "`{}` failed".format(request.method), causes=[str(error)]))


def _take_streams():
    """Takes stdin and stdout for the protocol and leaves an empty one and the log in their place."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # What was printed before and still sits in the buffer goes to the log as well.
    sys.stdout.flush()
    return source, sink


def _message_from_line(line):
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        _log.warning("left out a line that is not JSON: %s", error)
        return None
    if not isinstance(message, dict):
        _log.warning("left out a line that is not a JSON object")
        return None
    return message


def _line_from_message(message):
    try:
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Failure("invalid", "the message does not fit into JSON", causes=[str(error)])
    # Half a surrogate pair, as from a file name that is no text, would make the line no UTF-8.
    line = text.encode("utf-8", "replace") + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise Failure("limit", "the message is longer than 8 MiB", "send it in pages")
    return line


def _start_thread(name, function, *arguments):
    thread = threading.Thread(target=function, args=arguments, name=name)
    thread.daemon = True
    thread.start()
    return thread


def _call_safely(function, *arguments):
    try:
        function(*arguments)
    except Exception:
        _log.exception("a callback failed")


def _timed_out():
    return Failure("timed_out", "Callboard does not answer", "quit it and start it again")


def _not_running(error=None):
    causes = [str(error)] if error is not None else ()
    return Failure("unavailable", "Callboard is not running", "start it and try again", causes)
