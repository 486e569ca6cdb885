"""The module that hooks import. All of it is in `flame_double`; see there."""

from flame_double import surface as _surface


def __getattr__(name):
    return _surface.member(name)


def __dir__():
    return _surface.names()
