"""The selections that were launched on, described in idle slices and answered in pages."""

import logging
import threading
from collections import OrderedDict

import callboard

from .segments import rows

# A slice stops after this long; one step more may still run, and both stay below 10 ms.
SLICE_SECS = 0.008

# How long the host waits for rows before it gets what there is.
PAGE_WAIT_SECS = 0.5
PAGE_ROWS = 200
MOST_PAGE_ROWS = 500

# Rows are small; a handful of selections covers questions about launches that are still going on.
MOST_SELECTIONS = 16

_log = logging.getLogger("callboard.flame")


class Selections:
    """The latest selections of this Flame, by id.

    `schedule` puts a function on Flame's main thread, `call_later` calls one on the client's
    thread after some seconds, `clock` gives seconds.
    """

    def __init__(self, schedule, call_later, clock):
        self._schedule = schedule
        self._call_later = call_later
        self._clock = clock
        self._lock = threading.Lock()
        self._kept = OrderedDict()

    def keep(self, sequences):
        """Keeps handles and starts to describe them; returns the new selection's id."""
        selection = Selection(sequences)
        selection_id = callboard.new_id()
        with self._lock:
            self._kept[selection_id] = selection
            while len(self._kept) > MOST_SELECTIONS:
                _, oldest = self._kept.popitem(last=False)
                oldest.fail(_not_kept())
        self._schedule(lambda: self._describe(selection))
        return selection_id

    def answer(self, request):
        """Answers `dcc.describe` when the page is there, at the latest in `PAGE_WAIT_SECS`."""
        with self._lock:
            selection = self._kept.get(request.params.get("selection_id"))
        if selection is None:
            raise _not_kept()
        offset = max(0, int(request.params.get("offset") or 0))
        limit = int(request.params.get("limit") or PAGE_ROWS)
        page = Page(request, offset, max(1, min(limit, MOST_PAGE_ROWS)))
        if not selection.answer_or_wait(page):
            self._call_later(PAGE_WAIT_SECS, lambda: selection.answer_now(page))

    def _describe(self, selection):
        """Describes for one slice, on Flame's main thread."""
        began = self._clock()
        while not selection.is_described and self._clock() - began < SLICE_SECS:
            try:
                selection.step()
            except Exception as error:
                _log.exception("could not describe the selection")
                cause = "{}: {}".format(type(error).__name__, error)
                selection.fail(
                    callboard.Failure("internal", "Flame could not describe the selection", causes=[cause])
                )
        if not selection.is_described:
            self._schedule(lambda: self._describe(selection))
        selection.answer_waiting()


class Page:
    """Rows that the host asked for."""

    def __init__(self, request, offset, limit):
        self.request = request
        self.offset = offset
        self.limit = limit


class Selection:
    """One selection: rows that are frozen as soon as they are read."""

    def __init__(self, sequences):
        self._lock = threading.Lock()
        self._steps = rows(list(sequences))
        self._rows = []
        self._failure = None
        self._waiting = []
        self.is_described = False

    def step(self):
        """Reads one segment more; on Flame's main thread."""
        try:
            row = next(self._steps)
        except StopIteration:
            # Lets go of Flame's handles.
            self._steps = None
            self.is_described = True
            return
        if row is not None:
            with self._lock:
                self._rows.append(row)

    def fail(self, failure):
        """Gives up: whoever asks is told why."""
        with self._lock:
            self._failure = failure
            self.is_described = True
        self.answer_waiting()

    def answer_or_wait(self, page):
        """Answers if the whole page is there; else keeps it waiting and returns False."""
        with self._lock:
            if not self._is_ready(page):
                self._waiting.append(page)
                return False
        self._send(page)
        return True

    def answer_waiting(self):
        """Answers the pages that have come together."""
        with self._lock:
            ready = [page for page in self._waiting if self._is_ready(page)]
            self._waiting = [page for page in self._waiting if page not in ready]
        for page in ready:
            self._send(page)

    def answer_now(self, page):
        """Answers a page that still waits with the rows that there are."""
        with self._lock:
            if page not in self._waiting:
                return
            self._waiting.remove(page)
        self._send(page)

    def _is_ready(self, page):
        return self.is_described or len(self._rows) >= page.offset + page.limit

    def _send(self, page):
        with self._lock:
            failure = self._failure
            part = self._rows[page.offset : page.offset + page.limit]
            total = len(self._rows) if self.is_described else None
        if failure is not None:
            page.request.fail(failure)
            return
        answer = {"rows": part, "complete": total is not None and page.offset + len(part) >= total}
        if total is not None:
            answer["total"] = total
        page.request.answer(answer)


def _not_kept():
    return callboard.Failure(
        "not_found",
        "Flame does not keep this selection any more",
        "choose the action again in Flame",
    )
