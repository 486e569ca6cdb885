"""The environment of an application that is about to start."""

import os

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)

CHANGES = ("append", "prepend", "set", "unset", "pop")


def append_path(path, key, environment):
    """Puts a path behind those of a variable."""
    environment[key] = os.pathsep.join([environment[key], path]) if environment.get(key) else path
    return environment


def prepend_path(path, key, environment):
    """Puts a path before those of a variable."""
    environment[key] = os.pathsep.join([path, environment[key]]) if environment.get(key) else path
    return environment


def pop_path(path, key, environment):
    """Takes a path out of those of a variable."""
    unwanted = path.replace("\\", "/")
    kept = [one for one in environment.get(key, "").split(os.pathsep) if one.replace("\\", "/") != unwanted]
    environment[key] = os.pathsep.join(kept)
    return environment


def change(environment, wanted):
    """Applies what an integration asks for: `NAME.append`, `.prepend`, `.set`, `.unset`, `.pop`; append if not said."""
    for key, value in wanted.items():
        name, _, how = key.rpartition(".")
        if how not in CHANGES or not name:
            name, how = key, "append"
        value = os.pathsep.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        if how == "append":
            append_path(value, name, environment)
        elif how == "prepend":
            prepend_path(value, name, environment)
        elif how == "pop":
            pop_path(value, name, environment)
        elif how == "set":
            environment[name] = value
        else:
            environment.pop(name, None)
