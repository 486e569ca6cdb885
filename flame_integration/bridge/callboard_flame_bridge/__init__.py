"""What stands between Flame's menus and Callboard's host.

It may touch Flame on Flame's main thread only, and must never know ftrack, credentials or
databases; it needs the standard library, `flame` and `callboard`.

Read first: `session.Session` (launches, answers, questions), `selection.Selections` (what the
host may ask about), `segments.rows` (what a row says).
"""

import atexit

from .session import Session

__all__ = ["Session", "close", "current_session", "use_session"]

# A reload runs this module again in the same globals: the session outlives it.
_session = globals().get("_session")


def current_session():
    """Returns this Flame's session, made on first use; call it on the main thread."""
    if _session is None:
        import flame

        atexit.register(close)
        use_session(Session(flame))
    return _session


def use_session(replacement):
    """Puts another session in place, for tests and demonstrations; returns it."""
    global _session
    _session = replacement
    return replacement


def close():
    """Ends the session; a later launch makes a new one."""
    if _session is not None:
        _session.close()
        use_session(None)

