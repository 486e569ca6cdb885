"""The event hub of the child's session: the official one, whose synchronous events reach the other plugins too."""

import json
import logging
import re
import threading
import time
import traceback

import ftrack_api.event.base
import ftrack_api.event.hub
import ftrack_api.exception

import callboard
from callboard_connect.version_text import with_versions

PUBLISH_SECS = 60.0
SLOW_SECS = 10.0
CONNECT_PAUSE_SECS = (0.2, 5.0)

# Events of the session itself carry the session, and those of the hub its subscribers: both mean this process.
# A storage scenario is activated in each session, and a widget is a class, which no other process could use.
LOCAL_TOPICS = ("ftrack.api.", "ftrack.meta.", "ftrack.storage-scenario.", "ftrack.connect.plugin.connect-widget")
# What the official client itself subscribes in every session would be answered as often as there are plugins.
STORAGE_SCENARIO = "ftrack_api._centralized_storage_scenario"
PERSONAL_TOPICS = ("ftrack.action.discover", "ftrack.action.launch")

_TOPIC = re.compile(r"""^\s*topic\s*=\s*["']?(ftrack\.connect\.application\.[\w.-]+)["']?(?=\s|$)""")
_KEPT = "callboard_kept"

_log = logging.getLogger("callboard")


class HostQuestion:
    """A `connect.handle` of the host, waiting for the thread that serves hooks."""

    def __init__(self, request):
        self.request = request


class Hub(ftrack_api.event.hub.EventHub):
    """Tells the host what is subscribed, and publishes synchronous events through it."""

    @classmethod
    def take_over(cls, hub, pipe, inbox, watch):
        """Makes a hub that the official session has just made one of these."""
        for name in ("_event_queue", "_connection_initialised", "_subscribers"):
            if not hasattr(hub, name):
                raise callboard.Failure(
                    "unsupported", "this ftrack-python-api has no `EventHub.{}`".format(name), "install version 3"
                )
        hub.__class__ = cls
        hub._pipe, hub._inbox, hub._watch = pipe, inbox, watch
        hub._event_queue = inbox
        # What hooks publish before the link stands is queued.
        hub._connection_initialised = True
        hub._announced = set()
        hub._kept = {}
        hub._locations_only = threading.local()
        hub._wants_link = True
        pipe.on_request("connect.handle", hub._queue_question)

    # What hooks see.

    def subscribe(self, subscription, callback, subscriber=None, priority=100):
        """Subscribes, and tells the host."""
        if getattr(self._locations_only, "is_set", False) and "ftrack.api." not in str(subscription):
            # The plugin that it belongs to has a child of its own, which answers.
            _log.debug("left out a subscription of another plugin's location: %s", subscription)
            return callboard.new_id()
        identifier = super().subscribe(subscription, callback, subscriber=subscriber, priority=priority)
        if getattr(callback, "__module__", "") == STORAGE_SCENARIO:
            return identifier
        self._announced.add(identifier)
        self._pipe.tell(
            "connect.subscribed",
            {"id": identifier, "expression": _announced_expression(subscription), "priority": priority},
        )
        return identifier

    def unsubscribe(self, subscriber_identifier):
        """Unsubscribes, and tells the host."""
        super().unsubscribe(subscriber_identifier)
        if subscriber_identifier in self._announced:
            self._announced.discard(subscriber_identifier)
            self._pipe.tell("connect.unsubscribed", {"id": subscriber_identifier})

    def locations_only(self, is_set):
        """Has this thread's subscriptions kept only where they configure the session."""
        self._locations_only.is_set = is_set

    # The link to the server, which is the host's door.

    def keep_connected(self):
        """Connects, and tries again until it stands; the client itself sees to later losses."""
        pause = CONNECT_PAUSE_SECS[0]
        while self._wants_link and not self.connected:
            try:
                self.connect()
                return
            except ftrack_api.exception.EventHubConnectionError as error:
                _log.info("not connected to the event hub yet: %s", error)
            time.sleep(pause)
            pause = min(pause * 2, CONNECT_PAUSE_SECS[1])

    def reconnect(self, attempts=10, delay=5):
        """Connects again, for as long as it takes, and silences no log meanwhile."""
        try:
            self.disconnect(unsubscribe=False, reconnect=True)
        except ftrack_api.exception.EventHubConnectionError as error:
            _log.debug("the link was gone already: %s", error)
        self.keep_connected()

    def disconnect(self, unsubscribe=True, reconnect=False):
        """Disconnects; for good when it is not to connect again."""
        self._wants_link = reconnect
        super().disconnect(unsubscribe=unsubscribe, reconnect=reconnect)

    def _notify_server_about_subscriber(self, subscriber):
        # Connecting announces every subscription there is; queueing this one as well would announce it twice.
        if self.connected:
            super()._notify_server_about_subscriber(subscriber)

    # Serving.

    def serve(self):
        """Serves events and the host's questions, one at a time, for ever."""
        while True:
            self._handle(self._inbox.get())

    def _handle(self, event, synchronous=False):
        if isinstance(event, HostQuestion):
            self._answer(event.request)
            return None
        if not synchronous:
            if not self._is_for_us(event):
                return None
            with_versions(event["data"])
        with self._watch.over(SLOW_SECS, _report_slow(event["topic"])):
            return super()._handle(event, synchronous=synchronous)

    def _is_for_us(self, event):
        """Whether an action is asked of the person who is signed in here; a hook may forget to filter."""
        user = (event["source"] or {}).get("user") or {}
        return event["topic"] not in PERSONAL_TOPICS or user.get("username") in (None, self._api_user)

    def _queue_question(self, request):
        if not self._inbox.put_question(HostQuestion(request)):
            raise callboard.Failure("limit", "too much waits for this plugin's hooks")

    def _answer(self, request):
        try:
            request.answer(self._handled(request.params))
        except callboard.Failure as failure:
            request.fail(failure)

    def _handled(self, params):
        subscriber = self.get_subscriber_by_identifier(params.get("subscription"))
        if subscriber is None:
            raise callboard.Failure("not_found", "no such subscription")
        event = self._event_from_wire(params.get("event") or {})
        if not subscriber.interested_in(event) or not self._is_for_us(event):
            return {"result": None, "event": self._wire_from_event(event), "stopped": False, "skipped": True}
        with self._watch.over(SLOW_SECS, _report_slow(event["topic"])):
            try:
                result = subscriber.callback(event)
            except BaseException as error:
                _log.exception("a hook failed on `%s`", event["topic"])
                cause = traceback.format_exception_only(type(error), error)[-1].strip()
                message = "a hook raised while it handled `{}`".format(event["topic"])
                raise callboard.Failure("plugin", message, "read the plugin's log", [cause])
        return {
            "result": self._kept_unless_json(result),
            "event": self._wire_after(event),
            "stopped": event.is_stopped(),
        }

    # Publishing.

    def _publish(self, event, synchronous=False, callback=None, on_reply=None):
        if synchronous and not event["topic"].startswith(LOCAL_TOPICS):
            self._prepare_event(event)
            try:
                wire = self._wire_from_event(event)
            except (TypeError, ValueError) as error:
                _log.debug("`%s` stays in this plugin: %s", event["topic"], error)
            else:
                return self._publish_across(event, wire)
        if synchronous:
            with_versions(event["data"])
        return super()._publish(event, synchronous=synchronous, callback=callback, on_reply=on_reply)

    def _publish_across(self, event, wire):
        """Asks every plugin's subscribers, this one's among them, in the order of their priority."""
        answer = self._pipe.ask("connect.publish", {"event": wire}, PUBLISH_SECS)
        answer.then(lambda _: self._inbox.wake())
        while not answer._settled.is_set():
            # A subscriber of this very process may be the one that is asked.
            question = self._inbox.get_question(answer._settled.is_set, answer.deadline)
            if question is not None:
                self._answer(question.request)
            elif time.monotonic() >= answer.deadline:
                break
        try:
            answered = answer.wait() or {}
        except callboard.Failure as failure:
            if failure.kind in ("unsupported", "unavailable"):
                with_versions(event["data"])
                return super()._handle(event, synchronous=True)
            _log.warning("no answers to `%s`: %s", event["topic"], failure)
            return []
        changed = answered.get("event") or {}
        adopt(event["data"], changed.get("data"))
        if answered.get("stopped"):
            event.stop()
        return [self._unkept(result) for result in answered.get("results") or [] if not self._is_foreign(result)]

    def _event_from_wire(self, wire):
        wire = self._decode(json.dumps(wire))
        known = ("topic", "id", "data", "sent", "source", "target", "in_reply_to_event")
        event = ftrack_api.event.base.Event(**{key: wire[key] for key in known if key in wire})
        with_versions(event["data"])
        return event

    def _wire_from_event(self, event):
        return json.loads(self._encode(event))

    def _wire_after(self, event):
        """Returns an event that a hook has had in its hands, without what it put in for itself alone."""
        try:
            return self._wire_from_event(event)
        except (TypeError, ValueError):
            left = ftrack_api.event.base.Event(**dict(event))
            left["data"] = {key: value for key, value in event["data"].items() if _is_json(value)}
            return self._wire_from_event(left)

    def _kept_unless_json(self, result):
        """Returns what travels: the result itself, or a name for what stays here."""
        try:
            return json.loads(json.dumps(result))
        except (TypeError, ValueError):
            name = getattr(result, "__name__", None) or type(result).__name__
            key = callboard.new_id()
            # Only a publisher of this very process ever takes one out; the rest make room in turn.
            while len(self._kept) >= 100:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = result
            return {_KEPT: key, "name": name}

    def _unkept(self, result):
        if isinstance(result, dict) and _KEPT in result:
            return self._kept.pop(result[_KEPT], None)
        return result

    def _is_foreign(self, result):
        if not isinstance(result, dict) or _KEPT not in result or result[_KEPT] in self._kept:
            return False
        _log.info("left out `%s` of another plugin, which cannot leave its process", result.get("name"))
        return True


def _is_json(value):
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def adopt(own, changed):
    """Changes a value in place to what it became elsewhere, so that whoever holds a part of it sees the change."""
    if own == changed:
        return own
    if isinstance(own, dict) and isinstance(changed, dict):
        for key in [key for key in own if key not in changed]:
            del own[key]
        for key, value in changed.items():
            own[key] = adopt(own[key], value) if key in own else value
        return own
    if isinstance(own, list) and isinstance(changed, list):
        own[:] = [adopt(own[at], value) if at < len(own) else value for at, value in enumerate(changed)]
        return own
    return own if changed is None and isinstance(own, (dict, list)) else changed


def _announced_expression(subscription):
    """What the host is to ask for; where versions are compared, everything about the topic, and `_handled` decides."""
    text = str(subscription)
    topic = _TOPIC.match(text)
    if topic and "application.version" in text:
        return "topic={}".format(topic.group(1))
    return text


def _report_slow(topic):
    def report(stack):
        _log.warning("a hook has been busy with `%s` for %d seconds:\n%s", topic, SLOW_SECS, stack)

    return report
