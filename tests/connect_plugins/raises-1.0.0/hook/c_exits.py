"""Asks the interpreter to exit."""

import sys


def register(session, **kw):
    sys.exit(3)
