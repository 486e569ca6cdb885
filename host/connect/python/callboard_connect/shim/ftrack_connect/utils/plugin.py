"""A plugin's version."""

from callboard_connect.missing import attribute
from ftrack_utils.version import get_connect_plugin_version

__all__ = ["get_connect_plugin_version"]
__getattr__ = attribute(__name__)
