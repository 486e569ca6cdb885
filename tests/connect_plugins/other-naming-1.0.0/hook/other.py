"""Another plugin with a module of the same name; it answers between the other two and may end the row."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "resource"))

import naming


def answer(event):
    event["data"]["seen"] = event["data"].get("seen", []) + [naming.OWNER]
    if event["data"].get("stop"):
        event.stop()
    return "other of {}".format(naming.OWNER)


def register(session, **kw):
    session.event_hub.subscribe("topic=studio.naming", answer, priority=30)
