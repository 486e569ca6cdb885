"""Stands in for AYON's addon, whose shared part handlers import."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)
