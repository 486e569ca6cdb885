"""Paths of files that are about to be made."""

import os
import tempfile
import uuid

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)


def get_temp_path(filename_extension=None):
    """Returns a path below the temporary folder that nothing lies at yet."""
    folder = os.path.join(tempfile.gettempdir(), "ftrack-connect", "ftrack")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, uuid.uuid4().hex + (filename_extension or ""))
