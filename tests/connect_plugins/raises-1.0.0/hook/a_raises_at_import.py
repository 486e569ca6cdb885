"""Raises while it is imported."""

import no_such_module_in_any_studio


def register(session, **kw):
    raise AssertionError("never reached")
