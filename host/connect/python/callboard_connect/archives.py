"""AYON's handler archives: a folder with a `manifest.json` that names where handlers and their packages lie."""

import inspect
import json
import os
import sys

from callboard_connect.loading import Hook, load_module

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1024 * 1024
VERSIONS = ("1.0.0",)


def is_archive(folder):
    """Tells whether a folder is a handler archive."""
    return os.path.isfile(os.path.join(folder, MANIFEST))


def find_handlers(folder):
    """Returns a hook for each file of handlers that the manifest names, or one that says what is wrong with it."""
    path = os.path.join(folder, MANIFEST)
    try:
        manifest = _read(path)
        packages = _folders(folder, manifest, "python_path_subfolders")
        handlers = _folders(folder, manifest, "handler_subfolders")
    except (OSError, ValueError) as error:
        return [Hook(path, _raises(error))]
    sys.path.extend(package for package in packages if package not in sys.path)
    hooks = []
    for base in handlers:
        try:
            names = sorted(os.listdir(base))
        except OSError as error:
            hooks.append(Hook(base, _raises(error)))
            continue
        for name in names:
            if name.endswith(".py") and not name.startswith("_"):
                file = os.path.join(base, name)
                hooks.append(Hook(file, lambda session, file=file: _register(file, session)))
    return hooks


def _read(path):
    if os.path.getsize(path) > MAX_MANIFEST_BYTES:
        raise ValueError("`manifest.json` is longer than 1 MiB")
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    if not isinstance(manifest, dict):
        raise ValueError("`manifest.json` holds no object")
    version = manifest.get("version", VERSIONS[0])
    if version not in VERSIONS:
        raise ValueError("`manifest.json` is of version `{}`; known is {}".format(version, ", ".join(VERSIONS)))
    return manifest


def _folders(folder, manifest, key):
    """Returns the folders that a key names; none may lead out of the archive."""
    named = manifest.get(key) or []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ValueError("`{}` in `manifest.json` is no list of folders".format(key))
    root = os.path.realpath(folder)
    found = [os.path.realpath(os.path.join(root, name)) for name in named]
    for name, path in zip(named, found):
        if os.path.commonpath([root, path]) != root:
            raise ValueError("`{}` in `manifest.json` leads out of the archive".format(name))
    return found


def _raises(error):
    def load(_):
        raise error

    return load


def _register(path, session):
    """Calls a file's `register`; where it has none, makes one of each handler class in it and registers that."""
    module = load_module(path)
    function = getattr(module, "register", None)
    if callable(function):
        function(session)
        return
    # Only now, since an archive may bring base classes of its own in place of the stand-in.
    bases = _bases()
    for name, found in sorted(vars(module).items()):
        if name.startswith("_") or not inspect.isclass(found) or not issubclass(found, bases):
            continue
        if found.__module__ == module.__name__ and not _is_base(found):
            found(session).register()


def _bases():
    modules = (sys.modules.get("ftrack_common"), sys.modules.get("ayon_ftrack.common"))
    return tuple({module.BaseHandler for module in modules if hasattr(module, "BaseHandler")})


def _is_base(found):
    """Whether a class says, for itself alone, that it is none to be made one of."""
    flag = "_{}__ignore_handler_class".format(found.__name__.lstrip("_"))
    return inspect.isabstract(found) or bool(vars(found).get(flag, False))
