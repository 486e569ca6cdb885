"""A folder to be shown."""

from callboard_connect.missing import attribute
from ftrack_connect.util import open_directory

__all__ = ["open_directory"]
__getattr__ = attribute(__name__)
