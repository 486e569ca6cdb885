"""Which applications there are on this machine."""

import logging
import os
import platform
import re

from callboard_connect.missing import attribute
from callboard_connect.version_text import VersionText
from ftrack_utils.version import DEFAULT_VERSION_EXPRESSION

__getattr__ = attribute(__name__)


class ApplicationStore:
    """The applications that a subclass's `_discover_applications` finds."""

    def __init__(self, session):
        self.logger = logging.getLogger("{}.{}".format(__name__, type(self).__name__))
        self._session = session
        self.applications = self._discover_applications()

    @property
    def session(self):
        """The plugin's session."""
        return self._session

    @property
    def current_os(self):
        """`linux`, `darwin` or `windows`."""
        return platform.system().lower()

    def get_application(self, identifier):
        """Returns the first application of that identifier; one that ends in `*` names the beginning."""
        for application in self.applications:
            if identifier.endswith("*") and application["identifier"].startswith(identifier[:-1]):
                return application
            if application["identifier"] == identifier:
                return application
        return None

    def _discover_applications(self):
        return []

    def _get_icon_url(self, icon_name):
        return icon_name

    def _search_filesystem(
        self, expression, label, applicationIdentifier, versionExpression=None, icon=None, launchArguments=None,
        variant="", description=None, integrations=None, standalone_module=None, environment_variables=None,
        rosetta=False, **_,
    ):
        """Returns what matches: a folder that is there, and a regular expression for each part of the path below."""
        start, pieces = expression[0], [re.compile(piece) for piece in expression[1:]]
        if self.current_os == "windows" and start.endswith(":"):
            start += "\\"
        version_expression = re.compile(versionExpression or DEFAULT_VERSION_EXPRESSION)
        found = []
        for path in _matching(start, pieces):
            matched = version_expression.search(path)
            version = VersionText(matched.group("version").replace("v", ".") if matched else "0")
            named = variant.format(version=version)
            if integrations:
                named = "{} [{}]".format(named, ":".join(integrations))
            found.append({
                "identifier": applicationIdentifier.format(variant=named, version=version),
                "path": path,
                "version": version,
                "label": label.format(version=version),
                "variant": named,
                "description": description,
                "icon": self._get_icon_url(icon),
                "launchArguments": launchArguments,
                "integrations": integrations or {},
                "rosetta": rosetta,
                "standalone_module": standalone_module,
                "environment_variables": dict(environment_variables or {}),
            })
        return sorted(found, key=lambda application: application["version"], reverse=True)


def _matching(folder, pieces):
    """Returns the paths below a folder whose parts match; a folder that is gone or closed has none."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        logging.getLogger(__name__).info("no applications below `%s`: %s", folder, error)
        return []
    found = []
    for name in names:
        path = os.path.join(folder, name)
        if not pieces[0].match(name):
            continue
        if len(pieces) == 1:
            found.append(path)
        elif os.path.isdir(path):
            found.extend(_matching(path, pieces[1:]))
    return found
