"""What waits for the thread that serves hooks: the host's questions first, then events of the hub."""

import collections
import queue
import threading
import time

MAX_EVENTS = 10_000
MAX_QUESTIONS = 256


class Inbox:
    """Takes the place of the hub's own queue, which is unbounded and is asked ten times a second.

    `put` and `get` are what the official client uses of a queue.
    """

    def __init__(self):
        self._changed = threading.Condition()
        self._questions = collections.deque()
        self._events = collections.deque()

    def put(self, event):
        """Takes an event; waits while there are too many, which slows its sender down."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) < MAX_EVENTS)
            self._events.append(event)
            self._changed.notify_all()

    def put_question(self, question):
        """Takes a question of the host; tells whether there was room."""
        with self._changed:
            if len(self._questions) >= MAX_QUESTIONS:
                return False
            self._questions.append(question)
            self._changed.notify_all()
            return True

    def get(self, timeout=None):
        """Returns the next question or event.

        Raises `queue.Empty` when there is none in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._questions or self._events, timeout):
                raise queue.Empty()
            taken = (self._questions or self._events).popleft()
            self._changed.notify_all()
            return taken

    def get_nowait(self):
        """Returns what is there already."""
        return self.get(timeout=0)

    def get_question(self, until, deadline):
        """Returns the next question, or None as soon as `until()` holds or the deadline has passed."""
        with self._changed:
            left = max(0.0, deadline - time.monotonic())
            self._changed.wait_for(lambda: until() or self._questions, left)
            if until() or not self._questions:
                return None
            return self._questions.popleft()

    def wake(self):
        """Has everybody who waits look again."""
        with self._changed:
            self._changed.notify_all()
