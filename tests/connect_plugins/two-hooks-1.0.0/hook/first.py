"""One of two hooks that share a module in `resource`, found by way of `sys.path`."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "resource"))

import naming


def register(session, **kw):
    naming.REGISTERED.append("first")
    session.event_hub.subscribe(
        "topic=studio.naming",
        lambda event: "first of {}: {}".format(naming.OWNER, "+".join(naming.REGISTERED)),
        priority=10,
    )
