"""Stands in for the library that Connect and its plugins share, as far as hooks import it."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)
