"""The clock of the double: time passes only where the double says that it does."""


class FakeClock:
    """Counts seconds that were charged for Flame's work or stepped by a test."""

    def __init__(self, start=0.0):
        self._now = float(start)

    def now(self):
        """Returns the seconds passed so far; fits wherever `time.monotonic` does."""
        return self._now

    def advance(self, seconds):
        """Lets `seconds` pass."""
        if seconds < 0:
            raise ValueError("time does not run backwards: {!r}".format(seconds))
        self._now += seconds

    def advance_to(self, moment):
        """Lets time pass until `moment`; a moment in the past changes nothing."""
        self._now = max(self._now, float(moment))
