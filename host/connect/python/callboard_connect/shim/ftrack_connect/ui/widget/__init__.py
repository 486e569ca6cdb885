"""Connect's own widgets, none of which Callboard has."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)
