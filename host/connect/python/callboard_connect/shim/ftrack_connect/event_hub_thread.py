"""A thread that serves the events of a session that a hook has made itself."""

import threading

from callboard_connect.hub import Hub
from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)


class EventHubThread(threading.Thread):
    """Serves a session's events until it is closed. Those of the plugin's own session are served already."""

    def __init__(self, parent=None):
        super().__init__(name="connect-events", daemon=True)
        self._session = None

    def start(self, session):
        """Starts serving."""
        self._session = session
        super().start()

    def run(self):
        """Serves until the session is closed."""
        hub = self._session.event_hub
        while not isinstance(hub, Hub) and not self._session.closed:
            hub.wait(duration=5)
