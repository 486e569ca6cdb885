"""The same as `ftrack_common`, under the name that it has on a person's machine."""

from callboard_connect.missing import attribute
from ftrack_common import (
    BaseAction,
    BaseEventHandler,
    BaseHandler,
    LocalAction,
    ServerAction,
    create_chunks,
    join_filter_values,
    query_custom_attribute_values,
)

__all__ = [
    "BaseAction", "BaseEventHandler", "BaseHandler", "LocalAction", "ServerAction",
    "create_chunks", "join_filter_values", "query_custom_attribute_values",
]
__getattr__ = attribute(__name__)
