"""What widgets of plugins build on."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)
