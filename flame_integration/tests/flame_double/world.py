"""One running Flame: its release, its clock, its main thread, its idle queue and its project."""

import contextlib
import os
import threading
import time
from collections import deque, namedtuple

from .clock import FakeClock
from .releases import is_offered, release_from_version

# Reading one member of a Flame object costs about this much, in seconds.
READ_COST = 50e-6

IdleRun = namedtuple("IdleRun", "function seconds")
Violation = namedtuple("Violation", "what thread")


class OffMainThread(BaseException):
    """Flame was touched outside its main thread, which crashes the real one.

    Not an `Exception`, so that no careful `except Exception` hides it.
    """


class World:
    """One running Flame.

    `off_thread` says what an access outside the main thread does: `abort` records and raises,
    `record` only records, `segv` ends the process as the real Flame does.
    """

    def __init__(
        self,
        version="2025.2.2",
        product="flame",
        os="linux",
        user="ada",
        read_cost=READ_COST,
        off_thread="abort",
        drop_spelling="semicolons",
        quoted_timecode=False,
        rate_with_fps=False,
    ):
        release_from_version(version)
        self.version = version
        self.product = product
        self.os = os
        self.user = user
        self.read_cost = read_cost
        self.off_thread = off_thread
        self.drop_spelling = drop_spelling
        self.quoted_timecode = quoted_timecode
        self.rate_with_fps = rate_with_fps

        self.clock = FakeClock()
        self.main_thread = threading.get_ident()
        self.violations = []
        self.reads = 0

        self.idle_runs = []
        self._idle = deque()
        self._idle_arrived = threading.Condition()
        self._busy = 0

        self.messages = []
        self.dialogs = []
        self.dialog_answers = deque()
        self.shortcuts = []
        self.children = []

        self.project = None
        self.batch = None
        self.timeline_clip = None
        self.timeline_segment = None
        self.selected_entries = ()
        self.mediahub_files = ()
        self.browser_answer = ()
        self.browsed = []
        self.tab = "Timeline"
        self.hooks = None
        self.last_uid = 0

    # What every access goes through.

    def guard(self, what):
        """Records and punishes an access outside the main thread."""
        if threading.get_ident() == self.main_thread:
            return
        self.violations.append(Violation(what, threading.current_thread().name))
        if self.off_thread == "segv":
            os._exit(139)
        if self.off_thread == "abort":
            raise OffMainThread(what)

    def charge_read(self):
        """Lets the time pass that one read of a member costs."""
        self.reads += 1
        self.clock.advance(self.read_cost)

    @contextlib.contextmanager
    def uncharged(self):
        """Makes reads cost nothing, for fixtures and for what a test looks up itself."""
        cost, self.read_cost = self.read_cost, 0.0
        try:
            yield self
        finally:
            self.read_cost = cost

    def offers(self, kind, name):
        """Returns whether this release has the member."""
        return is_offered(self.version, kind, name)

    def new_uid(self, prefix):
        """Returns an identity that no other object of this world has."""
        self.last_uid += 1
        return "{}-{:06d}".format(prefix, self.last_uid)

    # The idle queue.

    def schedule_idle(self, function, delay=0):
        """Queues a function for the main thread; callable from any thread."""
        with self._idle_arrived:
            self._idle.append((self.clock.now() + delay, function))
            self._idle_arrived.notify_all()

    def pump(self, count=None, now=None):
        """Runs what is due, at most `count` events, and returns how many ran.

        Without `count` only what is queued at the call runs, so that a function which schedules
        itself again does not keep the pump going. Nothing runs while Flame is busy.
        """
        self.guard("pump")
        if now is not None:
            self.clock.advance_to(now)
        limit = len(self._idle) if count is None else count
        ran = 0
        while ran < limit and not self._busy:
            function = self._take_due()
            if function is None:
                break
            self._run_idle(function)
            ran += 1
        return ran

    def pump_until(self, is_true, timeout=10.0):
        """Pumps until `is_true()`, waking for events that other threads queue.

        `timeout` is in real seconds, because the other threads live in real time. Returns whether
        it became true.
        """
        give_up = time.monotonic() + timeout
        while not is_true():
            if self.pump(count=1):
                continue
            remaining = give_up - time.monotonic()
            if remaining <= 0:
                return False
            with self._idle_arrived:
                # A short wait bounds how late a condition that is not an idle event is noticed.
                self._idle_arrived.wait(min(remaining, 0.01))
        return True

    @contextlib.contextmanager
    def busy(self):
        """Stops idle events, as rendering, playback, exporting and modal dialogs do."""
        self._busy += 1
        try:
            yield self
        finally:
            self._busy -= 1

    @property
    def idle_waiting(self):
        """How many idle events are queued."""
        return len(self._idle)

    def _take_due(self):
        with self._idle_arrived:
            for index, (due, function) in enumerate(self._idle):
                if due <= self.clock.now():
                    del self._idle[index]
                    return function
        return None

    def _run_idle(self, function):
        began = self.clock.now()
        try:
            function()
        finally:
            self.idle_runs.append(IdleRun(function, self.clock.now() - began))

    # The end.

    def close(self):
        """Ends the children that were started and not waited for."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        self.children = []


_current = None


def configure(**options):
    """Starts a new Flame with an empty project, the one that the `flame` module then shows."""
    global _current
    from .containers import empty_project

    if _current is not None:
        _current.close()
    _current = World(**options)
    empty_project(_current)
    return _current


def current():
    """Returns the running Flame, started on first use."""
    return _current if _current is not None else configure()
