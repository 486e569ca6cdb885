"""Frame rates as Flame writes them, as numbers."""

import re
from collections import namedtuple

# `fps` is the number in the rate's name, `exact` the rate itself as text of a fraction.
Rate = namedtuple("Rate", "fps exact is_drop_frame")

UNKNOWN = Rate(None, None, None)

# Rates that are named by a rounded number.
_EXACT = {"23.976": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def rate_from_text(text):
    """Reads `23.976 fps`, `29.97 DF`, `59.94 fps NDF`; what is no rate gives `UNKNOWN`."""
    number = _NUMBER.search(text or "")
    if number is None:
        return UNKNOWN
    digits = number.group()
    exact = _EXACT.get(digits)
    if exact is None and float(digits).is_integer():
        exact = "{}/1".format(int(float(digits)))
    return Rate(float(digits), exact, "DF" in text and "NDF" not in text)
