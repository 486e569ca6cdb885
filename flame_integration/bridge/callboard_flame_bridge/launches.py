"""Launches that have not ended, kept so that nothing is forgotten when the host goes away."""

import threading
from collections import OrderedDict

# The states of a job that goes on by itself or waits for an answer; every other one is its end.
MOVING_STATES = ("queued", "running", "working")
OPEN_STATES = MOVING_STATES + ("asks",)

# An artist has a handful under way; what is beyond this is told, but not asked for again.
MOST_LAUNCHES = 64


class Launch:
    """One launch, from the click until its job rests."""

    def __init__(self, event):
        # The same event again is the same launch: the host answers how its job stands.
        self.event = event
        # Whether the host may have it.
        self.is_sent = False
        # Whether the host is being asked about it; one question at a time, for an event has one reply.
        self.is_under_way = False
        # The job, once the host has named it.
        self.job = None
        # The items of the form that was put to the artist last, and the event that submits it.
        self.asked = None
        self.answer = None
        # Whether the artist cancelled.
        self.is_cancelled = False
        # Whether its end was told.
        self.is_over = False


class Launches:
    """The open launches of this Flame, the oldest first; used from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._open = OrderedDict()

    def add(self, launch):
        """Begins to keep a launch."""
        with self._lock:
            self._open[launch.event["id"]] = launch
            while len(self._open) > MOST_LAUNCHES:
                self._open.popitem(last=False)

    def forget(self, launch):
        """Ends to keep a launch; one that is not kept is fine."""
        with self._lock:
            self._open.pop(launch.event["id"], None)

    def of_job(self, job):
        """Returns the launch that made a job, or None."""
        with self._lock:
            found = [launch for launch in self._open.values() if job and launch.job == job]
        return found[0] if found else None

    def sent(self):
        """Returns the launches that the host may have."""
        with self._lock:
            return [launch for launch in self._open.values() if launch.is_sent]
