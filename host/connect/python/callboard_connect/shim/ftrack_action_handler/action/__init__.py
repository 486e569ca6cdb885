"""The base classes of actions."""

from callboard_connect.missing import attribute
from ftrack_action_handler.action.advanced import AdvancedBaseAction
from ftrack_action_handler.action.base import BaseAction

__all__ = ["AdvancedBaseAction", "BaseAction"]
__getattr__ = attribute(__name__)
