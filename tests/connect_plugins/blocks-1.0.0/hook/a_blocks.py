"""Waits at register for something that does not come: a lock file that nobody removes."""

import os
import threading

WAIT_FOR = os.environ.get("STUDIO_BLOCKS_UNTIL", os.devnull + "/never")


def wait_for_the_studio():
    pause = threading.Event()
    while not os.path.exists(WAIT_FOR):
        pause.wait(0.05)


def register(session, **kw):
    wait_for_the_studio()
    session.event_hub.subscribe("topic=studio.how-are-you", lambda event: "late")
