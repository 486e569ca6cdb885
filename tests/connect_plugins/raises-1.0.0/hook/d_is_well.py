"""Registers all the same; it also fails when it is asked, beside one that does not."""


def fail(event):
    raise RuntimeError("not today")


def register(session, **kw):
    session.event_hub.subscribe("topic=studio.how-are-you", fail, priority=1)
    session.event_hub.subscribe("topic=studio.how-are-you", lambda event: "well", priority=2)
