"""Which running task is to be begun a second time, elsewhere: one that takes much longer than its kind. Pure."""

from __future__ import annotations

import statistics
from collections import deque

FACTOR = 3.0
"""Times as long as others of its kind a task must take."""
LEAST = 10.0
"""Seconds by which it must take longer: below that, a second attempt ends no sooner."""
KNOWN = 3
"""Tasks of a kind that must have ended before it is known what is usual."""
KEPT = 64
"""Tasks of a kind that are remembered: the last ones, so that much longer films take no more memory."""


def kind_of(task: str) -> str:
    """Return what tasks on other segments share with the one of that key."""
    parts = task.split("/")
    return "/".join(part for part in parts if not part.isdecimal())


class Usual:
    """How long tasks take, by their kind."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def add(self, task: str, seconds: float) -> None:
        """Take a task that has ended well."""
        self._seconds.setdefault(kind_of(task), deque(maxlen=KEPT)).append(seconds)

    def limit(self, task: str) -> float | None:
        """Return after how many seconds a task counts as a straggler; ``None``: that is not known yet."""
        found = self._seconds.get(kind_of(task), ())
        if len(found) < KNOWN:
            return None
        median = statistics.median(found)
        return max(FACTOR * median, median + LEAST)
