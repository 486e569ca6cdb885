"""Finds hooks and registers them, as Connect does, and names each that raises or blocks while the others go on."""

import importlib.machinery
import importlib.util
import inspect
import logging
import os
import sys
import threading
import time
import traceback
import uuid

from callboard_connect.watch import is_ours, stack_of

QT_BINDINGS = ("PySide6", "PySide2", "PySide")

_log = logging.getLogger("callboard")


class Hook:
    """One hook: a file, and how to register it."""

    def __init__(self, path, load, is_foreign=False):
        self.path = path
        self.load = load
        self.is_foreign = is_foreign
        self.problem = None
        self.traceback = None
        self.lacks_qt = False

    def to_json(self):
        """Returns the hook as it travels in `connect.loaded`."""
        said = {"path": self.path, "problem": self.problem, "traceback": self.traceback}
        return {key: value for key, value in said.items() if value is not None}


def find_hooks(folder, is_foreign=False):
    """Returns the hooks below a folder: every Python file, at every depth, in a fixed order."""
    hooks = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(base, name)
                hooks.append(Hook(path, lambda session, path=path: register(path, session), is_foreign))
    return hooks


def register(path, session):
    """Loads a hook's file under a name of its own and calls its `register`, if it has one."""
    function = getattr(load_module(path), "register", None)
    if function is None:
        _log.info("`%s` has no `register`", path)
    elif _takes_an_argument(function):
        function(session)
    else:
        function()


def load_module(path):
    """Loads a Python file under a random name, so that two files of one name are two modules."""
    name = "callboard_hook_" + uuid.uuid4().hex
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path, loader=loader))
    # Data classes and pickles look their module up.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _takes_an_argument(function):
    specification = inspect.getfullargspec(function)
    bound = 1 if inspect.ismethod(function) else 0
    return bool(specification.varargs) or len(specification.args) > bound


class Loader:
    """Registers hooks one after the other, each within a time of its own.

    A hook that takes longer is named, with where it stands, and left behind on its thread; the rest go on on another.
    Should it come back after all, it counts as registered from then on.
    """

    def __init__(self, seconds, on_change):
        self._seconds = seconds
        self._on_change = on_change
        self._changed = threading.Condition()
        self._turn = 0
        self._started = 0.0
        self._left = []
        self._current = None
        self.is_done = False

    def load(self, hooks, session):
        """Registers all of them; returns when each has registered, raised or run out of time."""
        self._left = list(hooks)
        while True:
            worker = threading.Thread(target=self._work, args=(self._turn, session), name="callboard-hooks", daemon=True)
            with self._changed:
                self._started = time.monotonic()
            worker.start()
            with self._changed:
                while self._current is not None or self._left:
                    left = self._started + self._seconds - time.monotonic()
                    if left <= 0 or not worker.is_alive():
                        break
                    self._changed.wait(left)
                if self._current is None and not self._left:
                    self.is_done = True
                    return
                self._leave_behind(worker)

    def _leave_behind(self, worker):
        self._turn += 1
        hook, self._current = self._current, None
        if hook is not None:
            hook.problem = "`{}` had not registered after {:g} seconds".format(hook.path, self._seconds)
            hook.traceback = stack_of(worker.ident) or None
            _log.error("%s; it stands at\n%s", hook.problem, hook.traceback)

    def _work(self, turn, session):
        while True:
            with self._changed:
                if self._turn != turn or not self._left:
                    return
                hook = self._current = self._left.pop(0)
                self._started = time.monotonic()
            problem, where, lacks_qt = _tried(hook, session)
            with self._changed:
                is_late = self._turn != turn
                hook.problem, hook.traceback, hook.lacks_qt = problem, where, lacks_qt
                if not is_late:
                    self._current = None
                    self._changed.notify_all()
            if is_late:
                _log.warning("`%s` has come back after it was given up", hook.path)
                if self.is_done:
                    self._on_change()
                return


def _tried(hook, session):
    """Registers a hook; returns what went wrong, where, and whether Qt is what it lacks."""
    session.event_hub.locations_only(hook.is_foreign)
    try:
        hook.load(session)
    except BaseException as error:
        problem = "`{}` raised {}".format(hook.path, _named(error))
        lacks_qt = isinstance(error, ImportError) and (error.name or "").partition(".")[0] in QT_BINDINGS
        if lacks_qt:
            problem = "`{}` draws with Qt, and this Python has no PySide6".format(hook.path)
        calls = traceback.extract_tb(error.__traceback__)
        own = [call for call in calls if not is_ours(call.filename)]
        where = "".join(traceback.format_list(own)) + _named(error) + "\n"
        _log.error("%s\n%s", problem, where)
        return problem, where, lacks_qt
    finally:
        session.event_hub.locations_only(False)
    return None, None, False


def _named(error):
    return traceback.format_exception_only(type(error), error)[-1].strip()
