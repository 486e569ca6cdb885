"""Stands in for what AYON's handlers share, as far as handlers of studios import it."""

from callboard_connect.missing import attribute
from ftrack_common.event_handlers import BaseAction, BaseEventHandler, BaseHandler, LocalAction, ServerAction
from ftrack_common.values import create_chunks, join_filter_values, query_custom_attribute_values

__all__ = [
    "BaseAction", "BaseEventHandler", "BaseHandler", "LocalAction", "ServerAction",
    "create_chunks", "join_filter_values", "query_custom_attribute_values",
]
__getattr__ = attribute(__name__)
