"""Attempts on the lanes of a timeline: one lane for each worker that runs at the same moment. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KEPT = 1000
"""Attempts that are kept; of more the latest."""


@dataclass
class Line:
    """One attempt at a task."""

    id: int
    """Counts from 0."""
    task: str
    """Key."""
    number: int
    """1 at the first try."""
    worker: str
    lane: int
    started: float
    """Seconds since the epoch."""
    ended: float | None = None
    """``None`` while it runs."""
    outcome: str = "running"
    """As `streamify.model.attempt.Attempt.outcome`, or ``paused``."""
    message: str = ""
    """Why it failed."""
    log: str = ""
    """What the worker printed, where it failed."""
    cpu_seconds: float | None = None
    """``None``: not known."""


class Lanes:
    """Gives each attempt the lane that its worker had before, where that is free, else the first free one."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}
        self._running: dict[tuple[str, str, int], Line] = {}
        self._homes: dict[str, int] = {}
        self._changed: dict[int, None] = {}
        self._count = 0

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines.values())

    @property
    def running(self) -> list[Line]:
        """Those that have not ended, in the order in which they began."""
        return list(self._running.values())

    def begin(self, task: str, number: int, worker: str, started: float) -> None:
        """Take an attempt that begins; told twice it counts once."""
        if (task, worker, number) in self._running:
            return
        taken = {line.lane for line in self._running.values()}
        lane = self._homes.get(worker, -1)
        if lane < 0 or lane in taken:
            lane = next(lane for lane in range(len(taken) + 1) if lane not in taken)
        self._homes[worker] = lane
        line = Line(self._count, task, number, worker, lane, started)
        self._count += 1
        self._lines[line.id] = self._running[task, worker, number] = line
        self._changed[line.id] = None
        if len(self._lines) > KEPT:
            oldest = next((line for line in self if line.ended is not None), None)
            if oldest is not None:
                del self._lines[oldest.id]
                self._changed.pop(oldest.id, None)

    def pause(self, task: str, number: int, worker: str, *, paused: bool) -> None:
        """Take an attempt that stands still so that a viewer's can run, or goes on."""
        line = self._running.get((task, worker, number))
        if line is not None:
            line.outcome = "paused" if paused else "running"
            self._changed[line.id] = None

    def end(
        self, task: str, number: int, worker: str, ended: float, outcome: str, *,
        message: str = "", log: str = "", cpu_seconds: float | None = None,
    ) -> None:  # fmt: skip
        """Take an attempt that has ended, also one of which the begin was not told."""
        if (task, worker, number) not in self._running:
            self.begin(task, number, worker, ended)
        line = self._running.pop((task, worker, number))
        line.ended, line.outcome, line.message, line.log, line.cpu_seconds = ended, outcome, message, log, cpu_seconds
        self._changed[line.id] = None
        if len(self._homes) > 2 * KEPT:  # workers that are long gone
            self._homes = {line.worker: line.lane for line in self}

    def stop(self, now: float) -> None:
        """Nothing runs any more: what has not ended was cut off."""
        for task, worker, number in list(self._running):
            self.end(task, number, worker, now, "cancelled")

    def take_changes(self) -> list[Line]:
        """Return what began or ended since the last call."""
        changed, self._changed = self._changed, {}
        return [self._lines[number] for number in changed]
