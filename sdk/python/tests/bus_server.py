"""A small local bus for tests: one thread for each connection, answers by script."""

import json
import os
import socket
import tempfile
import threading


class BusServer:
    """Listens on a socket of its own and speaks the protocol as far as a test tells it to.

    `answers` maps a method to `function(params)`, which returns the result or raises `Refusal`.
    `greeting` is sent after a client's hello; None says nothing at all.
    """

    WELCOME = {"versions": [1], "callboard": "0.1.0", "host": "test", "session": 1}

    def __init__(self, greeting=WELCOME, path=None):
        self.folder = None
        if path is None:
            self.folder = tempfile.TemporaryDirectory(prefix="cb-bus-")
            path = os.path.join(self.folder.name, "bus.sock")
        self.path = path
        self.greeting = greeting
        self.answers = {"publish": lambda params: {"replies": []}}
        self.received = []
        self.hellos = []
        self.connections = []
        self._last_id = 0
        self._results = {}
        self._changed = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._accept, name="test-bus", daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wait_for(self, is_true, timeout=10.0):
        """Waits until `is_true()`, which is looked at whenever something arrives."""
        with self._changed:
            return self._changed.wait_for(is_true, timeout)

    def methods(self):
        """Returns the methods received so far, in order."""
        return [message.get("method") for message in self.received]

    def params(self, method):
        """Returns the params of every message of a method, in order."""
        return [m["params"] for m in self.received if m.get("method") == method]

    def tell(self, method, params):
        """Sends a notification to the newest connection."""
        self._send(self.connections[-1], {"method": method, "params": params})

    def ask(self, method, params, timeout=10.0):
        """Asks the newest connection and returns its whole answer."""
        with self._changed:
            self._last_id += 1
            asked = self._last_id
        self._send(self.connections[-1], {"id": asked, "method": method, "params": params})
        if not self.wait_for(lambda: asked in self._results, timeout):
            raise AssertionError("no answer to `{}`".format(method))
        return self._results.pop(asked)

    def send_bytes(self, data):
        """Sends bytes as they are to the newest connection."""
        self.connections[-1].sendall(data)

    def hang_up(self):
        """Closes all connections and goes on listening."""
        for connection in self.connections:
            _shut(connection)
        self.connections = []

    def close(self):
        """Stops; the socket file stays behind unless the folder was made here."""
        _shut(self._listener)
        self.hang_up()
        self._thread.join(10)
        if self.folder is not None:
            self.folder.cleanup()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            name = "test-bus-connection"
            threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                self._note(self.hellos, json.loads(lines.readline().decode()))
                if self.greeting is not None:
                    self._send(connection, self.greeting)
                self._note(self.connections, connection)
                for line in lines:
                    self._take(connection, json.loads(line.decode()))
            except (OSError, ValueError):
                return

    def _take(self, connection, message):
        if "method" not in message:
            with self._changed:
                self._results[message["id"]] = message
                self._changed.notify_all()
            return
        self._note(self.received, message)
        if "id" not in message:
            return
        answer = self.answers.get(message["method"], lambda params: {})
        try:
            self._send(connection, {"id": message["id"], "result": answer(message["params"])})
        except Refusal as refusal:
            self._send(connection, {"id": message["id"], "error": refusal.error})
        except Silence:
            pass

    def _note(self, where, what):
        with self._changed:
            where.append(what)
            self._changed.notify_all()

    def _send(self, connection, message):
        connection.sendall(json.dumps(message).encode() + b"\n")


class Refusal(Exception):
    """Makes the server answer with an error."""

    def __init__(self, kind, message, hint=None):
        super().__init__(message)
        self.error = {"kind": kind, "message": message, "hint": hint}


class Silence(Exception):
    """Makes the server not answer at all."""


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
