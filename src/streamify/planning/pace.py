"""How fast work goes and how long the rest takes. Pure: time comes in with each sample."""

from __future__ import annotations

from collections import deque

WINDOW = 120.0
"""Seconds that the measured rate looks back."""
_STEP = 0.25
"""Seconds between two samples that are kept."""
_ENOUGH = 1.0
"""Seconds of samples below which no rate is given."""


class Pace:
    """Measures work per second over the last two minutes.

    Args:
        window: Seconds that it looks back.
    """

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._samples: deque[tuple[float, float]] = deque()
        self._moved = False

    def start(self, time: float) -> None:
        """Work starts now, or starts again: what was measured before does not count."""
        self._samples = deque([(time, 0.0)])
        self._moved = False

    def add(self, time: float, work: float, *, partial: bool) -> None:
        """Take how much is done at `time`, in any unit; `partial`: workers report while they work.

        Where they do, the rate counts from their first report: before it they loaded code and sought.
        """
        if not self._moved and partial:
            self._samples.clear()
        self._moved = True
        if len(self._samples) > 1 and time - self._samples[-2][0] < _STEP:
            self._samples.pop()
        self._samples.append((time, work))
        while len(self._samples) > 2 and time - self._samples[1][0] > self._window:
            self._samples.popleft()

    def rate(self, now: float) -> float | None:
        """Return work per second, or ``None`` before there is enough to tell."""
        if not self._moved:
            return None
        (first, before), (_, work) = self._samples[0], self._samples[-1]
        span = now - first
        return (work - before) / span if span >= _ENOUGH and work > before else None


class Countdown:
    """The seconds left as they are shown: they fall or stand still, unless work turns out slower for a while.

    An estimate that moves up and down with every segment tells nothing. One that is above what is shown by a fifth
    and three seconds for eight seconds on end is believed, and what is shown rises towards it: each second by a
    twentieth of what is missing, and by a second at least.
    """

    _ABOVE, _MORE, _PERSISTS = 1.2, 3.0, 8.0
    _SHARE, _LEAST = 1 / 20, 1.0

    def __init__(self) -> None:
        self._shown: float | None = None
        self._time = 0.0
        self._late_since: float | None = None

    def update(self, now: float, left: float) -> float:
        """Take an estimate; return what to show."""
        passed, self._time = now - self._time, now
        if self._shown is None or left <= self._shown:
            self._shown, self._late_since = left, None
            return left
        missing = left - self._shown
        rising = self._late_since is not None and now - self._late_since >= self._PERSISTS
        if rising:
            self._shown += min(missing, passed * max(self._LEAST, missing * self._SHARE))
        elif left <= self._shown * self._ABOVE + self._MORE:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        return self._shown
