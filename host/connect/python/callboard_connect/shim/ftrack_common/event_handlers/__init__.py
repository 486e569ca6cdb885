"""The base classes of AYON's handlers."""

from callboard_connect.missing import attribute
from ftrack_common.event_handlers.action import BaseAction, LocalAction, ServerAction
from ftrack_common.event_handlers.base import BaseEventHandler, BaseHandler

__all__ = ["BaseAction", "BaseEventHandler", "BaseHandler", "LocalAction", "ServerAction"]
__getattr__ = attribute(__name__)
