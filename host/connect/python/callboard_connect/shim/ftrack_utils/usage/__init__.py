"""Telemetry, of which Callboard sends none."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)


class UsageTracker:
    """Takes what a plugin has to say about its use, and keeps it to itself."""

    def __init__(self, session=None, default_data=None):
        self.session = session
        self.default_data = default_data or {}

    def track(self, event_name, metadata=None):
        """Takes note of nothing."""


_tracker = [UsageTracker()]


def set_usage_tracker(usage_tracker):
    """Keeps the tracker that `get_usage_tracker` returns."""
    _tracker[0] = usage_tracker


def get_usage_tracker():
    """Returns the tracker that was set, else one that does nothing."""
    return _tracker[0]
