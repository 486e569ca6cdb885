"""Stands in for ftrack Connect's own package, as far as hooks import it."""

from callboard_connect.missing import attribute

# What hooks compare with; the release whose plugins this is checked against.
__version__ = "26.7.0"

__getattr__ = attribute(__name__)
