"""What hooks ask Connect for: their own version, and a folder to be shown."""

import os
import subprocess
import sys

from callboard_connect.missing import attribute
from ftrack_utils.version import get_connect_plugin_version

__all__ = ["get_connect_plugin_version", "open_directory"]
__getattr__ = attribute(__name__)


def open_directory(path):
    """Shows a folder, or the one that a file is in."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    if sys.platform == "win32":
        os.startfile(folder)
        return
    # The plugin's stdout is the log, and what it opens shall outlive it.
    subprocess.Popen(["open" if sys.platform == "darwin" else "xdg-open", folder], start_new_session=True)
