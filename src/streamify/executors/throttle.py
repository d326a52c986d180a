"""Progress that is called after every picture, passed on a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamify.model.progress import OnProgress, Unit

PER_SECOND = 4
"""Reports of one task at most."""


class Throttle:
    """An `OnProgress` that passes calls on at most `PER_SECOND` times a second, the first after one such pause."""

    def __init__(self, passed_on: OnProgress, clock: Callable[[], float] = time.monotonic) -> None:
        self._pass_on, self._clock = passed_on, clock
        self._due = clock() + 1 / PER_SECOND

    def __call__(self, done: int, total: int, unit: Unit) -> None:
        """Take how far the task is."""
        now = self._clock()
        if now >= self._due:
            self._due = now + 1 / PER_SECOND
            self._pass_on(done, total, unit)
