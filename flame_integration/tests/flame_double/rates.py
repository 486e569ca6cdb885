"""Frame rates and timecode in whole numbers, for all ten rates that Flame writes."""

import re
from collections import namedtuple
from fractions import Fraction

# `text` is how Flame writes the rate, `nominal` the frames that one second of timecode counts,
# `dropped` the labels that drop-frame counting leaves out each minute not divisible by ten.
Rate = namedtuple("Rate", "text exact nominal dropped separator")

RATES = tuple(
    Rate(text, Fraction(*exact), nominal, dropped, separator)
    for text, exact, nominal, dropped, separator in (
        ("23.976 fps", (24000, 1001), 24, 0, "+"),
        ("24 fps", (24, 1), 24, 0, "+"),
        ("25 fps", (25, 1), 25, 0, ":"),
        ("29.97 NDF", (30000, 1001), 30, 0, ":"),
        ("29.97 DF", (30000, 1001), 30, 2, ";"),
        ("30 fps", (30, 1), 30, 0, ":"),
        ("50 fps", (50, 1), 50, 0, "#"),
        ("59.94 NDF", (60000, 1001), 60, 0, "#"),
        ("59.94 DF", (60000, 1001), 60, 4, "#"),
        ("60 fps", (60, 1), 60, 0, "#"),
    )
)

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SEPARATORS = re.compile(r"[:;+#.]")


def rate_from_text(text):
    """Returns the `Rate` that `text` names, with or without `fps` before `NDF` or `DF`."""
    number = _NUMBER.search(text)
    drop = "DF" in text and "NDF" not in text
    for rate in RATES:
        if number and float(number.group()) == float(_NUMBER.search(rate.text).group()):
            if bool(rate.dropped) == drop:
                return rate
    raise ValueError("not a frame rate that Flame knows: `{}`".format(text))


def frame_from_timecode(text, rate):
    """Returns the frame that the label `text` names; any of Flame's separators will do."""
    parts = _SEPARATORS.split(text.strip().strip("'"))
    if len(parts) != 4:
        raise ValueError("not a timecode: `{}`".format(text))
    hours, minutes, seconds, frames = (int(part) for part in parts)
    total_minutes = hours * 60 + minutes
    labels = (total_minutes * 60 + seconds) * rate.nominal + frames
    return labels - rate.dropped * (total_minutes - total_minutes // 10)


def parts_from_frame(frame, rate):
    """Returns hours, minutes, seconds and frames of the label at `frame`, which wraps at midnight."""
    label = _label_number(frame, rate) % (24 * 3600 * rate.nominal)
    seconds, frames = divmod(label, rate.nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return hours, minutes, seconds, frames


def timecode_from_frame(frame, rate, drop_spelling="semicolons"):
    """Returns the label at `frame` as Flame writes it.

    Sources disagree on how drop-frame looks: `semicolons` puts one in every place, `last` only
    before the frames. At 59.94 the frames follow a `#` either way.
    """
    hours, minutes, seconds, frames = parts_from_frame(frame, rate)
    between = ";" if rate.dropped and drop_spelling == "semicolons" else ":"
    front = between.join("{:02d}".format(part) for part in (hours, minutes, seconds))
    return "{}{}{:02d}".format(front, rate.separator, frames)


def _label_number(frame, rate):
    if not rate.dropped:
        return frame
    per_minute = rate.nominal * 60 - rate.dropped
    per_ten_minutes = per_minute * 10 + rate.dropped
    tens, rest = divmod(frame, per_ten_minutes)
    skipped = tens * 9
    # The first minute of ten keeps all its labels.
    if rest >= rate.nominal * 60:
        skipped += 1 + (rest - rate.nominal * 60) // per_minute
    return frame + skipped * rate.dropped
