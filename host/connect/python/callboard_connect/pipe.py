"""The protocol on stdin and stdout: what the host asks this child, and what this child asks and tells the host."""

import functools
import logging
import threading

import callboard

_log = logging.getLogger("callboard")


class Pipe:
    """The connection to the host. Make it first: from then on prints go to the log, not into the protocol."""

    def __init__(self, streams=None):
        self._streams = streams or callboard._take_streams()
        self._calls = callboard._Calls()
        self._handlers = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def greet(self):
        """Writes the hello."""
        self._write({"versions": callboard.VERSIONS})

    def refuse(self, failure):
        """Says why this child cannot serve; the host reads it in the place of a hello, or after one."""
        self._write({"error": failure.to_json()})

    def on_request(self, method, handler):
        """Calls `handler(request)` on the reading thread for what the host asks; it must see to an answer."""
        self._handlers[method] = handler

    def start(self, on_end):
        """Reads on a thread of its own; `on_end()` is called there once the host has hung up."""
        callboard._start_thread("callboard-pipe", self._read, on_end)

    def ask(self, method, params, timeout):
        """Asks the host; returns the `callboard.Answer` to come."""
        answer = callboard.Answer(timeout)
        request_id = self._calls.add(answer)
        try:
            self._write({"id": request_id, "method": method, "params": params})
        except callboard.Failure as failure:
            self._calls.settle({"id": request_id, "error": failure.to_json()})
        return answer

    def tell(self, method, params):
        """Tells the host something that needs no answer."""
        self._write({"method": method, "params": params})

    def _read(self, on_end):
        lines, source = callboard._Lines(), self._streams[0]
        while True:
            data = source.read1(65536)
            if not data:
                break
            for message in lines.feed(data):
                callboard._call_safely(self._take, message)
        self._hang_up()
        on_end()

    def _take(self, message):
        method, request_id = message.get("method"), message.get("id")
        if method is None:
            self._calls.settle(message)
        elif request_id is not None:
            send = functools.partial(self._answer, request_id)
            request = callboard.Request(method, message.get("params"), send)
            callboard._dispatch(self._handlers.get(method), request)

    def _answer(self, request_id, body):
        try:
            self._write(dict(body, id=request_id))
        except callboard.Failure as failure:
            self._write({"id": request_id, "error": failure.to_json()})

    def _write(self, message):
        line = callboard._line_from_message(message)
        try:
            with self._lock:
                if not self._ended.is_set():
                    self._streams[1].write(line)
                    self._streams[1].flush()
        except OSError as error:
            # The reader meets the end of input and sees to the rest.
            _log.debug("the host does not read any more: %s", error)
            self._hang_up()

    def _hang_up(self):
        self._ended.set()
        self._calls.fail_all(callboard.Failure("unavailable", "Callboard hung up"))
