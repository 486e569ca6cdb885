"""Stands in for the library of ftrack's that actions are often built on, where a plugin brings none along."""

from ftrack_action_handler.action import AdvancedBaseAction, BaseAction

from callboard_connect.missing import attribute

__all__ = ["AdvancedBaseAction", "BaseAction"]
__getattr__ = attribute(__name__)
