"""What each Flame release offers: one table, so that one set of tests covers 2022 to 2027."""

from collections import namedtuple

# Members that came after the oldest release imitated, by class name (`flame` is the module).
SINCE = {
    ("flame", "messages"): (2023, 1),
    ("ArchiveEntry", "colour_label"): (2025, 1),
    ("ArchiveEntry", "tags"): (2025, 1),
    ("PyMarker", "has_annotations"): (2025, 1),
    ("PySegment", "tags"): (2025, 1),
}

# Before this release a menu knows only groups and actions; further keys are ignored.
MENU_HIERARCHY_SINCE = (2023, 2)

Release = namedtuple("Release", "since python qt")

RELEASES = (
    Release((2022,), "3.7", "PySide2"),
    Release((2023,), "3.9", "PySide2"),
    Release((2025,), "3.11", "PySide6"),
    Release((2027,), "3.13", "PySide6"),
)


def numbers_from_version(text):
    """Returns the leading numbers of a version; `2026.pr12` is just (2026,)."""
    numbers = []
    for piece in str(text).split("."):
        if not piece.isdigit():
            break
        numbers.append(int(piece))
    return tuple(numbers)


def release_from_version(text):
    """Returns what is known of the release that `text` belongs to."""
    numbers = numbers_from_version(text)
    known = [release for release in RELEASES if release.since <= numbers]
    if not known:
        raise ValueError("no Flame this old is imitated: `{}`".format(text))
    return known[-1]


def is_offered(version, kind, name):
    """Returns whether `kind` (a class, or None for the module) has the member in this release."""
    names = ["flame"] if kind is None else [base.__name__ for base in kind.__mro__]
    since = [SINCE[owner, name] for owner in names if (owner, name) in SINCE]
    return all(numbers_from_version(version) >= first for first in since)


def is_within(version, minimum=None, maximum=None):
    """Returns whether a version lies in an inclusive range; digits left out match anything."""
    numbers = numbers_from_version(version)
    low = numbers_from_version(minimum) if minimum else ()
    high = numbers_from_version(maximum) if maximum else ()
    return numbers[: len(low)] >= low and (not high or numbers[: len(high)] <= high)
