"""Raises while it registers, which ends all of Connect's session."""


def register(session, **kw):
    raise ValueError("the show's settings are gone")
