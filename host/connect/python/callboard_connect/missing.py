"""Stands in for what Connect and AYON have in their own Python: a few modules, for what is in no folder of the plugin.

A plugin that brings a real one along is served with that.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import threading

SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim")
NAMES = (
    "ayon_ftrack",
    "ftrack_action_handler",
    "ftrack_common",
    "ftrack_connect",
    "ftrack_constants",
    "ftrack_utils",
)

_lock = threading.Lock()
_lacking = {}


def install():
    """Has imports that nothing else can serve look here."""
    sys.meta_path.append(_Shim())


def lacking():
    """Returns the names that were asked for and are not there."""
    with _lock:
        return list(_lacking)


def note(name):
    """Keeps a name that was asked for and is not there."""
    with _lock:
        _lacking[name] = True


def attribute(module):
    """Makes a module's `__getattr__`, which names what it lacks."""

    def get(name):
        full = "{}.{}".format(module, name)
        if not name.startswith("__") and _found(full) is None:
            note(full)
        raise AttributeError("Callboard's stand-in for `{}` has no `{}`".format(module, name))

    return get


class _Shim(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        top = fullname.partition(".")[0]
        if top not in NAMES or not self._is_ours(top, fullname):
            return None
        found = _found(fullname)
        if found is None:
            note(fullname)
            raise ModuleNotFoundError(
                "Callboard's stand-in for `{}` has no module `{}`".format(top, fullname), name=fullname
            )
        folders = [os.path.dirname(found)] if os.path.basename(found) == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, found, submodule_search_locations=folders)

    @staticmethod
    def _is_ours(top, fullname):
        if top == fullname:
            return True
        origin = getattr(sys.modules.get(top), "__file__", None) or ""
        return origin.startswith(SHIM)


def _found(fullname):
    base = os.path.join(SHIM, *fullname.split("."))
    for path in (os.path.join(base, "__init__.py"), base + ".py"):
        if os.path.isfile(path):
            return path
    return None
