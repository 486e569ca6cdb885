"""The life of the child: say hello, make the session, register the hooks, serve until the host hangs up."""

import atexit
import faulthandler
import importlib.util
import logging
import os
import sys
import tempfile
import threading

import callboard
from callboard_connect import archives, loading, missing, turns
from callboard_connect.inbox import Inbox
from callboard_connect.pipe import Pipe
from callboard_connect.watch import Watch

CLIENT = "ftrack_api"
LEAST_PYTHON = (3, 9)
USAGE = "python -m callboard_connect [--register-secs N] FOLDER… [--location FOLDER]…"
END_SECS = 3.0
LOCATIONS_SECS = 30.0

_log = logging.getLogger("callboard")


def main(words=None):
    """Serves the folders that the arguments name."""
    pipe = Pipe()
    _log_to_stderr()
    try:
        arguments = Arguments(sys.argv[1:] if words is None else words)
        _check_python()
    except ValueError as error:
        pipe.refuse(callboard.Failure("invalid", str(error), USAGE))
        return 2
    except callboard.Failure as failure:
        pipe.refuse(failure)
        return 1
    pipe.greet()
    child = Child(pipe, arguments)
    pipe.start(on_end=child.end)
    try:
        child.open()
    except callboard.Failure as failure:
        pipe.refuse(failure)
        _log.error("%s", failure)
        child.leave(1)
    child.serve()
    child.leave(0)


class Arguments:
    """Which folders, in the order of loading, and how long a hook may take."""

    def __init__(self, words):
        self.sources = []
        self.register_secs = 20.0
        words = iter(words)
        for word in words:
            if word == "--location":
                self.sources.append((next(words, ""), True))
            elif word == "--register-secs":
                self.register_secs = float(next(words, ""))
            elif word.startswith("-"):
                raise ValueError("no such option: `{}`".format(word))
            else:
                self.sources.append((word, False))
        if not self.sources or not all(folder for folder, _ in self.sources):
            raise ValueError("no folder was given")


class Child:
    """The session and what is registered with it."""

    def __init__(self, pipe, arguments):
        self._pipe = pipe
        self._arguments = arguments
        self._inbox = Inbox()
        self._watch = Watch()
        self._hooks = []
        self._windows = None
        self._session = None
        self._is_ending = threading.Event()

    def open(self):
        """Makes the session, which registers the hooks on the way, and tells the host what came of it."""
        missing.install()
        self._hooks = _hooks(self._arguments)
        self._session = _session(self._pipe, self._inbox, self._watch, self._load)
        from callboard_connect.windows import Windows

        windows = Windows(self._session)
        windows.discover()
        self._windows = windows
        if self._is_ending.is_set():
            windows.stop()
        self._tell_loaded()

    def serve(self):
        """Serves hooks on one thread and windows on this one, until the host hangs up."""
        hub = self._session.event_hub
        callboard._start_thread("callboard-link", hub.keep_connected)
        callboard._start_thread("callboard-serve", hub.serve)
        self._windows.run()

    def end(self):
        """Has `serve` return; called when the host has hung up."""
        self._is_ending.set()
        if self._windows is not None:
            self._windows.stop()
            return
        # Nobody is left to serve, and a hook may be in the way of getting there.
        self.leave(0)

    def leave(self, code):
        """Ends the process, whatever threads the hooks have left behind."""
        farewell = threading.Thread(target=self._farewell, name="callboard-end", daemon=True)
        farewell.start()
        farewell.join(END_SECS)
        sys.stderr.flush()
        os._exit(code)

    def _farewell(self):
        if self._session is not None:
            self._session.close()
        # What hooks have registered for the end of the interpreter, which `os._exit` skips.
        atexit._run_exitfuncs()

    def _load(self, session):
        loader = loading.Loader(self._arguments.register_secs, self._tell_loaded)
        loader.load(self._hooks, session)

    def _tell_loaded(self):
        if self._windows is None:
            return
        widgets = self._windows.to_json()
        for hook in self._hooks:
            if hook.lacks_qt and not hook.is_foreign:
                widgets.append({"name": _stem(hook.path), "problem": hook.problem})
        self._pipe.tell(
            "connect.loaded",
            {
                "hooks": [hook.to_json() for hook in self._hooks],
                "missing": missing.lacking(),
                "widgets": widgets,
                "locations": _locations(self._session),
            },
        )


def _hooks(arguments):
    hooks = []
    for folder, is_foreign in arguments.sources:
        if archives.is_archive(folder) and not is_foreign:
            hooks.extend(archives.find_handlers(folder))
        else:
            hooks.extend(loading.find_hooks(folder, is_foreign))
    return hooks


def _session(pipe, inbox, watch, load):
    import ftrack_api

    from callboard_connect.hub import Hub

    class HookSession(ftrack_api.Session):
        """The official session; hooks are registered where it registers them itself, by our loader."""

        connect_theme = "dark"

        def _discover_plugins(self, plugin_arguments=None):
            # Only this one session speaks for the plugin; those that hooks make themselves have the official hub.
            Hub.take_over(self._event_hub, pipe, inbox, watch)
            load(self)

        def _configure_locations(self):
            with turns.turn(LOCATIONS_SECS):
                super()._configure_locations()

    # The person's own folder for caches is closed to the child.
    os.environ.setdefault("FTRACK_API_SCHEMA_CACHE_PATH", tempfile.gettempdir())
    try:
        return HookSession(plugin_paths=[], auto_connect_event_hub=False)
    except callboard.Failure:
        raise
    except Exception as error:
        _log.exception("could not open a session")
        raise callboard.Failure(
            "unavailable",
            "the plugin's session could not be opened",
            "see the plugin's log",
            ["{}: {}".format(type(error).__name__, error)],
        )


def _locations(session):
    """Returns the names of the locations that hooks have set up."""
    import ftrack_api.symbol

    found = []
    for location in list(session._local_cache.values()):
        accessor = getattr(location, "accessor", ftrack_api.symbol.NOT_SET)
        name = location.get("name") if hasattr(location, "get") else None
        if accessor is not ftrack_api.symbol.NOT_SET and name and not name.startswith("ftrack."):
            found.append(name)
    return sorted(found)


def _check_python():
    """Raises the failure that says what this interpreter or its environment lacks."""
    if sys.version_info < LEAST_PYTHON:
        raise callboard.Failure(
            "unsupported",
            "Connect plugins need Python 3.9 or newer, and this is {}.{}".format(*sys.version_info),
            "name another interpreter in the settings",
        )
    if importlib.util.find_spec(CLIENT) is None:
        raise callboard.Failure(
            "unsupported",
            "`ftrack-python-api` is not installed in `{}`".format(sys.executable),
            "install it there, or leave the interpreter out of the settings",
        )
    for name in ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY"):
        if not os.environ.get(name):
            raise callboard.Failure("invalid", "`{}` is not set".format(name), "leave starting this to Callboard")


def _log_to_stderr():
    faulthandler.enable()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Whole packets, with what they carry, are of no use to anybody who reads a plugin's log.
    for name in ("ftrack_api", "urllib3", "requests", "websocket"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _stem(path):
    return os.path.splitext(os.path.basename(path))[0]
