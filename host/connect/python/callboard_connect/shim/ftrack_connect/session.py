"""Sessions for hooks that want one without having been given it."""

import threading

import ftrack_api

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)

_lock = threading.Lock()
_shared = []


def get_session():
    """Returns a session of the caller's own, without plugins and without the event hub."""
    return ftrack_api.Session(auto_connect_event_hub=False, plugin_paths=[])


def get_shared_session():
    """Returns one session for whoever asks."""
    with _lock:
        if not _shared:
            _shared.append(get_session())
        return _shared[0]


def destroy_shared_session():
    """Closes that session."""
    with _lock:
        while _shared:
            _shared.pop().close()
