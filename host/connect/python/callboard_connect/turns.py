"""Lets the children of one person do one at a time what would go wrong side by side."""

import contextlib
import logging
import os
import time

try:
    import fcntl
except ImportError:
    fcntl = None

# The host names a file that children of all its versions share.
FILE = os.environ.get("CALLBOARD_CONNECT_TURNS") or __file__
TRY_AGAIN_SECS = 0.02

_log = logging.getLogger("callboard")


@contextlib.contextmanager
def turn(seconds):
    """Waits, so long at most, until no other child is in here.

    Locations are *ensured* by every session: looked for, and made where there is none. Children that start together would
    each look first, and each make one; from then on the server has several of one name, and nobody's is set up.

    The lock is on a file that a child may read and nobody else locks; with its holder it ends.
    """
    with open(FILE, "rb") as file:
        if not _locked(file, time.monotonic() + seconds):
            _log.warning("another plugin took more than %g seconds to set its locations up", seconds)
        yield


def _locked(file, deadline):
    if fcntl is None:
        return True
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(TRY_AGAIN_SECS)
