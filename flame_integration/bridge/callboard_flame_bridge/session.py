"""One Flame's side of the conversation: launches go out, answers and questions come back."""

import logging
import threading
import time
from collections import OrderedDict

import callboard

from .questions import CANCEL, question_from_form
from .segments import read
from .selection import Selections

# A host that is well says so in no time. It is asked first, so that one which is stopped does not
# find the launch when it goes on, long after the artist was told that nothing happened.
ALIVE_SECS = 3.0

# The host says "started" after 5 seconds at the latest.
REPLY_SECS = 7.0

CONSOLE_SECS = 10
JOB_TOPIC = "callboard.job"
LAUNCH_TOPIC = "ftrack.action.launch"
MOST_JOBS = 64

_log = logging.getLogger("callboard.flame")


class Session:
    """What one Flame says to the host and hears from it.

    `launch` runs on Flame's main thread and only queues. Everything that comes back arrives on
    the client's threads and reaches Flame through its idle events.
    """

    def __init__(self, flame, client=None, clock=time.monotonic):
        self._flame = flame
        # The one member that other threads may call; looked up here, on the main thread.
        self._schedule = flame.schedule_idle_event
        self._version = str(flame.get_version())
        self._client = client or callboard.Client("flame " + self._version, surface="flame")
        self._selections = Selections(self._schedule, self._client.call_later, clock)
        self._lock = threading.Lock()
        self._launches = OrderedDict()
        self._is_listening = False
        self._listeners = []
        self._client.on_request("dcc.describe", self._selections.answer)
        self._client.on_event(self._take_event)

    def launch(self, action, selection):
        """Launches an action on the sequences of a selection; returns at once."""
        sequences = self._sequences(selection)
        if not sequences:
            self._say("No sequence is selected. Select one in the Media Panel.", "warning")
            return
        project = self._flame.projects.current_project
        dcc = {
            "application": "flame",
            "version": self._version,
            "project": read(project, "name") or "",
            "selection_id": self._selections.keep(sequences),
            "count": len(sequences),
        }
        self._publish({"actionIdentifier": action, "selection": [], "dcc": dcc})

    def on_outcome(self, listener):
        """Calls `listener(data)` with every outcome that the host tells, on the client's thread.

        A launch that did not reach the host has no state.
        """
        self._listeners.append(listener)

    def close(self):
        """Hangs up."""
        self._client.close(timeout=0.5)

    def _sequences(self, selection):
        """Returns the selected sequences; falls back on what Flame itself calls selected.

        The tuple that Flame hands over may be empty, and in the main menu it is not defined.
        """
        kind = self._flame.PySequence
        found = [entry for entry in selection or () if isinstance(entry, kind)]
        if not found:
            entries = read(self._flame.media_panel, "selected_entries") or ()
            found = [entry for entry in entries if isinstance(entry, kind)]
        if not found:
            clip = read(self._flame.timeline, "clip")
            found = [clip] if isinstance(clip, kind) else []
        return found

    def _publish(self, data):
        if not self._is_listening:
            self._is_listening = True
            self._client.subscribe("topic=" + JOB_TOPIC)
        alive = self._client.request("status", timeout=ALIVE_SECS)
        alive.then(lambda answer: self._publish_to_living(answer, data))

    # On the client's threads.

    def _publish_to_living(self, alive, data):
        # To refuse is an answer, too.
        if alive.failure is not None and alive.failure.kind not in ("denied", "unsupported"):
            self._say_failure(alive.failure)
            return
        event = callboard.event(LAUNCH_TOPIC, data)
        answer = self._client.publish(event, REPLY_SECS, max_replies=1, timeout=REPLY_SECS + 1.0)
        answer.then(lambda answer: self._take_answer(answer, data))

    def _take_answer(self, answer, launch):
        if answer.failure is not None:
            self._say_failure(answer.failure)
            return
        replies = (answer.result or {}).get("replies") or ()
        if not replies:
            hint = "look at its jobs before trying again"
            self._say_failure(callboard.Failure("timed_out", "Callboard did not answer", hint))
            return
        data = replies[0].get("data") or {}
        if data.get("job"):
            with self._lock:
                self._launches[data["job"]] = launch
                while len(self._launches) > MOST_JOBS:
                    self._launches.popitem(last=False)
        self._take_outcome(data)

    def _take_event(self, event):
        if event.get("topic") == JOB_TOPIC:
            self._take_outcome(event.get("data") or {})

    def _take_outcome(self, data):
        for listener in self._listeners:
            listener(data)
        if data.get("items") is not None:
            with self._lock:
                launch = self._launches.get(data.get("job"))
            self._schedule(lambda: self._ask(data, launch))
        elif data.get("message"):
            level = "info" if data.get("success") else "error"
            self._say(sentence(data["message"], data.get("hint")), level)

    def _say_failure(self, failure):
        _log.warning("%s %s", failure, failure.causes)
        told = {"success": False, "message": failure.message, "hint": failure.hint}
        self._take_outcome(told)

    def _say(self, text, level):
        self._schedule(lambda: self._show(text, level))

    # On Flame's main thread, in idle events.

    def _show(self, text, level):
        if hasattr(self._flame, "messages"):
            self._flame.messages.show_in_console(text, level, CONSOLE_SECS)
        else:
            _log.warning("%s", text)

    def _ask(self, form, launch):
        question = question_from_form(form)
        if launch is None or question.missing or not hasattr(self._flame, "messages"):
            wanted = ", ".join("`{}`".format(label) for label in question.missing)
            asks = "needs {}".format(wanted) if wanted else "asks a question"
            self._show("{} {}. Answer the job in Callboard.".format(question.title, asks), "warning")
            return
        clicked = self._flame.messages.show_in_dialog(
            question.title, question.text, "question", [question.button], CANCEL
        )
        if clicked == question.button:
            self._publish(dict(launch, values=question.values))
        elif form.get("job"):
            self._client.request("jobs.cancel", {"job": form["job"]}).then(self._take_cancel)

    def _take_cancel(self, answer):
        if answer.failure is not None:
            self._say_failure(answer.failure)


def sentence(message, hint=None):
    """Joins a message and a hint into what a person reads."""
    parts = [part.strip() for part in (message, hint) if part and part.strip()]
    return " ".join(
        part[0].upper() + part[1:] + ("" if part[-1] in ".!?…" else ".") for part in parts
    )
