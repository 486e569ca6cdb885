"""Versions of plugins and of applications."""

import importlib.metadata
import os
import re

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)

DEFAULT_VERSION_EXPRESSION = re.compile(r"(?P<version>\d[\dabcv.]*)[^\d]*?$")
_ASSIGNED = re.compile(r"""^__version__\s*(?::[^=]+)?=\s*(['"])(?P<version>.+?)\1""", re.MULTILINE)


def get_connect_plugin_version(connect_plugin_path):
    """Returns the version that a plugin's `__version__.py` assigns."""
    path = os.path.join(connect_plugin_path, "__version__.py")
    with open(path, encoding="utf-8") as file:
        found = _ASSIGNED.search(file.read())
    if found is None:
        raise ValueError("`{}` assigns no `__version__`".format(path))
    return found.group("version")


def get_version(package_name, package_path):
    """Returns the version of an installed package, else of the plugin that it lies in."""
    try:
        return importlib.metadata.version(package_name)
    except importlib.metadata.PackageNotFoundError:
        try:
            return get_connect_plugin_version(package_path)
        except (OSError, ValueError):
            return "0.0.0"
