"""Telemetry, of which Callboard sends none."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)


def send_event(session, event_name, metadata=None, asynchronous=True):
    """Takes note of nothing."""
