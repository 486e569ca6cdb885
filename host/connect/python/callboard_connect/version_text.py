"""An application's version: a text that compares as versions do.

Events carry versions as text, and the official client compares text with text: `9.5` comes after `13.0`.
"""

import re

_PARTS = re.compile(r"\d+|[a-z]+", re.IGNORECASE)


class VersionText(str):
    """A version that is still the text it was, and answers `.version` with its parts, as Connect's does."""

    @property
    def version(self):
        """The parts: numbers as numbers, letters as text."""
        return tuple(int(part) if part.isdigit() else part for part in _PARTS.findall(self))

    def __lt__(self, other):
        return _order(self) < _order(other)

    def __le__(self, other):
        return _order(self) <= _order(other)

    def __gt__(self, other):
        return _order(self) > _order(other)

    def __ge__(self, other):
        return _order(self) >= _order(other)


def _order(text):
    """What versions are sorted by: the numbers, and then whether letters follow, as in `1.0b2`, which comes before `1.0`.

    A `v` is a point, as in `13.1v4`.
    """
    parts = [part.lower() for part in _PARTS.findall(str(text)) if part.lower() != "v"]
    ends = next((at for at, part in enumerate(parts) if not part.isdigit()), len(parts))
    numbers = [int(part) for part in parts[:ends]]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    rest = [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts[ends:]]
    return numbers, not rest, rest


def with_versions(data):
    """Has the version in an event about an application compare as a version."""
    application = data.get("application") if isinstance(data, dict) else None
    if isinstance(application, dict) and isinstance(application.get("version"), str):
        application["version"] = VersionText(application["version"])
