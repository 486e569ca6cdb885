"""Stands in for the constants that Connect's plugins share; those of the framework come with the plugins."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)
