"""Notices what takes too long, and says where it stands."""

import contextlib
import itertools
import sys
import threading
import time
import traceback


class Watch:
    """Calls back once for each piece of work that is still under way after its time. Sleeps when nothing is."""

    def __init__(self):
        self._changed = threading.Condition()
        self._running = {}
        self._numbers = itertools.count()
        self._wakes_at = None
        self._thread = None

    @contextlib.contextmanager
    def over(self, seconds, on_late):
        """Watches the block; `on_late(stack)` is called on another thread when it takes longer."""
        number, deadline = next(self._numbers), time.monotonic() + seconds
        with self._changed:
            self._running[number] = (deadline, threading.get_ident(), on_late)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="callboard-watch", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or deadline < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._running.pop(number, None)

    def _run(self):
        while True:
            with self._changed:
                now = time.monotonic()
                late = [number for number, (deadline, _, _) in self._running.items() if deadline <= now]
                late = [self._running.pop(number) for number in late]
                if not late:
                    nearest = min((deadline for deadline, _, _ in self._running.values()), default=None)
                    self._wakes_at = nearest
                    self._changed.wait(None if nearest is None else nearest - now)
            for _, thread, on_late in late:
                on_late(stack_of(thread))


def stack_of(thread):
    """Returns where a thread stands, innermost call last, without this package's own calls."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ""
    calls = [call for call in traceback.extract_stack(frame) if not is_ours(call.filename)]
    return "".join(traceback.format_list(calls))


def is_ours(filename):
    """Tells whether a file belongs to this package or to Python's own way of starting a thread."""
    return filename.startswith(_OWN) or filename == threading.__file__ or filename.startswith("<frozen importlib")


_OWN = __file__.rpartition("watch")[0]
