"""Functions that run on a thread of their own."""

from callboard_connect.missing import attribute
from ftrack_utils.decorators import asynchronous

__all__ = ["asynchronous"]
__getattr__ = attribute(__name__)
