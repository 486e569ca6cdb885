"""Qt widgets of plugins: each gets a window of its own, opened by an action of its own."""

import importlib
import importlib.util
import logging
import os
import queue
import socket
import sys

import ftrack_api.event.base

import callboard
from callboard_connect.loading import QT_BINDINGS

WIDGET_TOPIC = "ftrack.connect.plugin.connect-widget"
OPEN_SECS = 30.0

_log = logging.getLogger("callboard")


def qt_binding():
    """Returns the Qt binding that there is, or None. Nothing is imported before a window is opened."""
    for name in QT_BINDINGS[:2]:
        if importlib.util.find_spec(name) is not None:
            return name
    return None


def why_none():
    """Returns why there can be no windows here, or None. Qt ends the whole process when it meets no display."""
    if qt_binding() is None:
        return "this Python has no PySide6"
    if sys.platform in ("darwin", "win32") or os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return None
    try:
        socket.socket(socket.AF_UNIX).close()
    except OSError:
        return "Connect plugins may show no windows unless the settings say so: `connect.windows`"
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return "there is no display"
    return None


class Windows:
    """The widgets of this plugin and their windows. `run` holds the main thread, which Qt insists on."""

    def __init__(self, session):
        self._session = session
        self._widgets = {}
        self._problems = {}
        self._open = {}
        self._tasks = queue.Queue(maxsize=64)
        self._application = None
        self._pump = None

    # Any thread.

    def discover(self):
        """Asks the plugin's own subscribers for their widgets, and offers an action for each."""
        event = ftrack_api.event.base.Event(topic=WIDGET_TOPIC)
        for found in self._session.event_hub.publish(event, synchronous=True) or []:
            if not isinstance(found, type):
                _log.warning("`%s` is no widget class", found)
            elif _identifier(found) in self._widgets:
                _log.warning("left out a second widget called `%s`", _name(found))
            else:
                self._widgets[_identifier(found)] = found
        reason = why_none()
        if reason is None:
            self._offer()
            return
        for identifier, found in self._widgets.items():
            self._problems[identifier] = "`{}` is not shown: {}".format(_name(found), reason)

    def to_json(self):
        """Returns the widgets as they travel in `connect.loaded`."""
        said = []
        for identifier, found in self._widgets.items():
            problem = self._problems.get(identifier)
            said.append({"name": _name(found), "problem": problem} if problem else {"name": _name(found)})
        return said

    def stop(self):
        """Has `run` return."""
        self._put(None)

    def _offer(self):
        if not self._widgets:
            return
        person = 'source.user.username="{}"'.format(self._session.api_user)
        hub = self._session.event_hub
        hub.subscribe("topic=ftrack.action.discover and " + person, self._items)
        for identifier in self._widgets:
            launch = "topic=ftrack.action.launch and data.actionIdentifier={} and {}".format(_action(identifier), person)
            hub.subscribe(launch, lambda event, identifier=identifier: self._launch(identifier))
        hub.subscribe("topic=ftrack.connect and " + person, self._call)

    def _items(self, event):
        if event["data"].get("selection"):
            return None
        items = [{"label": _name(found), "actionIdentifier": _action(name)} for name, found in self._widgets.items()]
        return {"items": items}

    def _launch(self, identifier):
        name = _name(self._widgets[identifier])
        try:
            self._on_main_thread(lambda: self._show(identifier))
        except Exception as error:
            _log.exception("could not open `%s`", name)
            return {"success": False, "message": "could not open `{}`: {}".format(name, error)}
        return {"success": True, "message": "`{}` is open".format(name)}

    def _call(self, event):
        """Has a widget do what `ftrack.connect` asks of it: one of its public methods, with the event."""
        identifier, action = event["data"].get("plugin"), str(event["data"].get("action") or "")
        if identifier not in self._widgets or not action or action.startswith("_"):
            return None
        return self._on_main_thread(lambda: getattr(self._show(identifier), action)(event))

    def _on_main_thread(self, function):
        answer = callboard.Answer(OPEN_SECS)
        if not self._put((function, answer)):
            raise callboard.Failure("limit", "too much waits for this plugin's windows")
        answer.wait()
        if isinstance(answer.result, Exception):
            raise answer.result
        return answer.result

    def _put(self, task):
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            return False
        if self._pump is not None:
            self._pump.wanted.emit()
        return True

    # The main thread.

    def run(self):
        """Waits for windows to be opened, and runs Qt while one is."""
        while True:
            task = self._tasks.get()
            if task is None:
                return
            self._do(task)
            if self._application is not None and self._is_any_open():
                _run_application(self._application)

    def _drain(self):
        """Does what was asked while Qt runs."""
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task is None:
                self._tasks.put_nowait(None)
                self._application.quit()
                return
            self._do(task)

    def _is_any_open(self):
        return any(window.isVisible() for window in self._open.values())

    @staticmethod
    def _do(task):
        function, answer = task
        try:
            answer._settle(function())
        except Exception as error:
            answer._settle(error)

    def _show(self, identifier):
        widgets = importlib.import_module(qt_binding() + ".QtWidgets")
        if self._application is None:
            self._application = widgets.QApplication.instance() or widgets.QApplication(["Callboard"])
            self._pump = _pump(self._drain)
        window = self._open.get(identifier)
        if window is None:
            window = self._open[identifier] = self._made(identifier)
        window.show()
        window.raise_()
        window.activateWindow()
        return window

    def _made(self, identifier):
        window = self._widgets[identifier](self._session)
        window.setWindowTitle(_name(self._widgets[identifier]))
        for signal, slot in (
            ("requestApplicationFocus", window.activateWindow),
            ("requestApplicationClose", window.close),
            ("requestConnectRestart", lambda *_: _log.info("a widget asks for a restart, which nothing here needs")),
            ("fetchPlugins", lambda callback: callback([])),
        ):
            if hasattr(window, signal):
                getattr(window, signal).connect(slot)
        return window


def _run_application(application):
    run = getattr(application, "exec", None) or application.exec_
    run()


def _pump(drain):
    """Makes the object whose signal brings work to Qt's thread."""
    core = importlib.import_module(qt_binding() + ".QtCore")

    class Pump(core.QObject):
        wanted = core.Signal()

    pump = Pump()
    pump.wanted.connect(drain, core.Qt.ConnectionType.QueuedConnection)
    return pump


def _name(found):
    named = getattr(found, "name", None)
    return named if isinstance(named, str) and named else found.__name__


def _identifier(found):
    return _name(found).lower().replace(" ", ".")


def _action(identifier):
    return "callboard.widget." + identifier
