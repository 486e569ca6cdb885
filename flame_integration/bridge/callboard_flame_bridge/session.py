"""One Flame's side of the conversation: launches go out, answers and questions come back."""

import logging
import time

import callboard

from .launches import MOVING_STATES, OPEN_STATES, Launch, Launches
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

GOES_ON = "what you started goes on when it runs again"

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
        self._launches = Launches()
        self._busy = ""
        self._is_listening = False
        self._listeners = []
        self._client.on_request("dcc.describe", self._selections.answer)
        self._client.on_event(self._take_event)
        self._client.on_reconnect(self._ask_again)

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
            "project_nickname": read(project, "nickname") or "",
            "selection_id": self._selections.keep(sequences),
            "count": len(sequences),
        }
        data = {"actionIdentifier": action, "selection": [], "dcc": dcc}
        launch = Launch(callboard.event(LAUNCH_TOPIC, data))
        self._launches.add(launch)
        if not self._is_listening:
            self._is_listening = True
            self._client.subscribe("topic=" + JOB_TOPIC)
        alive = self._client.request("status", timeout=ALIVE_SECS)
        alive.then(lambda alive: self._send_to_living(alive, launch))

    def set_busy(self, reason):
        """Tells the host what keeps Flame busy, or with an empty text that nothing does; returns at once.

        Nobody waits for the answer: without a host there is nobody who could disturb the artist.
        """
        self._busy = reason
        self._tell_busy()

    def on_outcome(self, listener):
        """Calls `listener(data)` with every outcome of a launch, on the client's thread.

        What did not come from the host has no state; it says `goes_on` where more will come.
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

    # On the client's threads.

    def _send_to_living(self, alive, launch):
        # To refuse is an answer, too.
        if alive.failure is None or alive.failure.kind in ("denied", "unsupported"):
            launch.is_sent = True
            self._submit(launch, launch.event)
        else:
            self._launches.forget(launch)
            self._say_failure(alive.failure)

    def _submit(self, launch, event):
        """Publishes a launch, or the answer to its form."""
        if not launch.is_under_way:
            launch.is_under_way = True
            self._publish(event).then(lambda answer: self._take_answer(answer, launch))

    def _publish(self, event):
        return self._client.publish(event, REPLY_SECS, max_replies=1, timeout=REPLY_SECS + 1.0)

    def _take_answer(self, answer, launch):
        launch.is_under_way = False
        failure = answer.failure
        if failure is not None and failure.kind == "unavailable":
            self._say_later(failure)
            return
        data = _data_of_reply(answer)
        if failure is None and data is None:
            hint = "look at its jobs before trying again"
            failure = callboard.Failure("timed_out", "Callboard did not answer", hint)
        if failure is not None:
            self._say_failure(failure)
        elif launch.job and not data.get("job") and data.get("kind") == "denied":
            # The host does not know yet that this new connection launched it.
            self._ask_how_it_stands(launch)
        else:
            self._take_outcome(data, launch)

    def _ask_again(self):
        """The host is back: asks how everything stands that it may have."""
        for launch in self._launches.sent():
            self._ask_how_it_stands(launch)
        if self._busy:
            self._tell_busy()

    def _tell_busy(self):
        params = {"busy": bool(self._busy), "reason": self._busy}
        self._client.request("application.busy", params)

    def _ask_how_it_stands(self, launch):
        if not launch.is_under_way:
            launch.is_under_way = True
            answer = self._publish(launch.event)
            answer.then(lambda answer: self._take_standing(answer, launch))

    def _take_standing(self, answer, launch):
        """Takes how a launch stands of which the artist may know already."""
        launch.is_under_way = False
        data = _data_of_reply(answer)
        if data is None:
            # It is asked for again when the host is back once more.
            _log.warning("it is not known how a launch stands: %s", answer.failure)
        elif data.get("state") == "asks" and launch.is_cancelled:
            launch.job = data.get("job")
            self._cancel(launch)
        elif data.get("items") is not None and data["items"] == launch.asked:
            # Without an answer the question is still on the screen.
            if launch.answer is not None:
                self._submit(launch, launch.answer)
        elif data.get("state") in MOVING_STATES and launch.job is not None:
            _log.info("the job goes on: %s", launch.job)
        else:
            self._take_outcome(data, launch)

    def _take_event(self, event):
        if event.get("topic") == JOB_TOPIC:
            data = event.get("data") or {}
            self._take_outcome(data, self._launches.of_job(data.get("job")))

    def _take_outcome(self, data, launch):
        if launch is not None:
            launch.job = data.get("job") or launch.job
            if data.get("state") not in OPEN_STATES:
                # Its end may come twice: as an answer, and when the host is back.
                if launch.is_over:
                    return
                launch.is_over = True
                self._launches.forget(launch)
        items = data.get("items")
        if items is None:
            self._tell(data)
            return
        for listener in self._listeners:
            listener(data)
        if launch is not None:
            launch.asked, launch.answer = items, None
        self._schedule(lambda: self._ask(data, launch))

    def _tell(self, data):
        for listener in self._listeners:
            listener(data)
        if data.get("message"):
            level = "info" if data.get("success") else "warning" if data.get("goes_on") else "error"
            self._say(sentence(data["message"], data.get("hint")), level)

    def _say_failure(self, failure):
        _log.warning("%s %s", failure, failure.causes)
        self._tell({"success": False, "message": failure.message, "hint": failure.hint})

    def _say_later(self, failure):
        """Tells why nothing happens now, where the host has the launch or may have it."""
        _log.warning("%s %s", failure, failure.causes)
        self._tell({"success": False, "message": failure.message, "hint": GOES_ON, "goes_on": True})

    def _say(self, text, level):
        self._schedule(lambda: self._show(text, level))

    def _cancel(self, launch):
        launch.is_cancelled = True
        answer = self._client.request("jobs.cancel", {"job": launch.job})
        answer.then(lambda answer: self._take_cancel(answer, launch))

    def _take_cancel(self, answer, launch):
        if answer.failure is None:
            self._launches.forget(launch)
            # The artist needs no sentence for what they just did.
            self._tell({"success": False, "job": launch.job, "state": "cancelled"})
        elif answer.failure.kind == "denied":
            # As with an answer: it is cancelled once the host knows whose it is.
            self._ask_how_it_stands(launch)
        else:
            self._say_failure(answer.failure)

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
            data = dict(launch.event["data"], values=question.values)
            launch.answer = callboard.event(LAUNCH_TOPIC, data)
            self._submit(launch, launch.answer)
        elif launch.job:
            self._cancel(launch)


def _data_of_reply(answer):
    """Returns what the host replied to a published launch, or None."""
    replies = (answer.result or {}).get("replies") or ()
    return (replies[0].get("data") or {}) if replies else None


def sentence(message, hint=None):
    """Joins a message and a hint into what a person reads."""
    parts = [part.strip() for part in (message, hint) if part and part.strip()]
    return " ".join(
        part[0].upper() + part[1:] + ("" if part[-1] in ".!?…" else ".") for part in parts
    )
