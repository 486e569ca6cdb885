"""`flame.PyTime`: a point or a length in whole frames."""

from .rates import frame_from_timecode, rate_from_text, timecode_from_frame
from .world import current


class PyTime:
    """A time in Flame.

    `PyTime(timecode, frame_rate)`, `PyTime(absolute_frame, frame_rate)` or
    `PyTime(relative_frame)`. The relative frame counts from 1 at the start of the object that the
    time belongs to; a time that belongs to none is relative to itself.
    """

    def __init__(self, value, frame_rate=None):
        self._world = current()
        self._world.guard("PyTime")
        self._rate = rate_from_text(frame_rate) if frame_rate is not None else None
        self._origin = 1
        if isinstance(value, str):
            if self._rate is None:
                raise TypeError("a timecode needs a frame rate")
            self._frame = frame_from_timecode(value, self._rate)
        elif isinstance(value, int) and not isinstance(value, bool):
            self._frame = value
        else:
            raise TypeError("a time is made of a frame or a timecode, not of {!r}".format(value))

    @classmethod
    def _at(cls, world, frame, rate, origin=1):
        """Makes a time for a fixture; `origin` is the frame that counts as relative frame 1."""
        made = cls.__new__(cls)
        made._world = world
        made._rate = rate
        made._frame = frame
        made._origin = origin
        return made

    @property
    def frame(self):
        """The absolute frame number."""
        self._world.guard("PyTime.frame")
        return self._frame

    @property
    def relative_frame(self):
        """The frame number that counts from 1 at the start of the object."""
        self._world.guard("PyTime.relative_frame")
        return self._frame - self._origin + 1

    @property
    def timecode(self):
        """The label, in the spelling that this Flame is set to."""
        self._world.guard("PyTime.timecode")
        if self._rate is None:
            return ""
        text = timecode_from_frame(self._frame, self._rate, self._world.drop_spelling)
        return "'{}'".format(text) if self._world.quoted_timecode else text

    @property
    def frame_rate(self):
        """The rate as text."""
        self._world.guard("PyTime.frame_rate")
        if self._rate is None:
            return ""
        return rate_text(self._world, self._rate)

    def __str__(self):
        return self.timecode or str(self.frame)

    __repr__ = __str__

    def __add__(self, other):
        return self._moved(_frames(other))

    __radd__ = __add__

    def __sub__(self, other):
        return self._moved(-_frames(other))

    def __eq__(self, other):
        return isinstance(other, (PyTime, int)) and self.frame == _frames(other)

    def __ne__(self, other):
        return not self == other

    def __lt__(self, other):
        return self.frame < _frames(other)

    def __le__(self, other):
        return self.frame <= _frames(other)

    def __gt__(self, other):
        return self.frame > _frames(other)

    def __ge__(self, other):
        return self.frame >= _frames(other)

    def __hash__(self):
        return hash(self._frame)

    def _moved(self, frames):
        return PyTime._at(self._world, self.frame + frames, self._rate, self._origin)


def rate_text(world, rate):
    """Returns a rate as this Flame writes it; some builds put `fps` before `NDF` and `DF`."""
    if world.rate_with_fps and rate.text.endswith("DF"):
        return rate.text.replace(" ", " fps ", 1)
    return rate.text


def _frames(value):
    return value.frame if isinstance(value, PyTime) else value
