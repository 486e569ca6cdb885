"""Finds applications on this machine and launches them, for hooks that do it by themselves."""

from callboard_connect.missing import attribute
from ftrack_connect.application_launcher.action import ApplicationLaunchAction
from ftrack_connect.application_launcher.environment import append_path, pop_path, prepend_path
from ftrack_connect.application_launcher.launcher import ApplicationLauncher
from ftrack_connect.application_launcher.store import ApplicationStore
from ftrack_utils.version import DEFAULT_VERSION_EXPRESSION

__all__ = [
    "ApplicationLaunchAction", "ApplicationLauncher", "ApplicationStore",
    "DEFAULT_VERSION_EXPRESSION", "append_path", "pop_path", "prepend_path",
]
__getattr__ = attribute(__name__)
