"""What hooks catch."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)


class ConnectError(Exception):
    """Anything of Connect's that goes wrong."""


class InvalidStateError(ConnectError):
    """Not possible in the state that something is in."""


class NotUniqueError(ConnectError):
    """There is one already."""


class ParseError(ConnectError):
    """A text could not be read."""
