"""Registers although the hook before it blocks."""


def register(session, **kw):
    session.event_hub.subscribe("topic=studio.how-are-you", lambda event: "well")
