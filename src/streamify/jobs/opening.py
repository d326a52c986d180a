"""How far a stream is ahead of the viewer who started first, and which segment keeps it ahead."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from streamify.model.plan import Plan, Segment
from streamify.model.result import MediaResult
from streamify.planning.agenda import Wanted
from streamify.planning.lead import Lead, all_rungs_take, is_short, may_be_alone


class Segments(Protocol):
    """The segments of a plan by their numbers."""

    def __getitem__(self, index: int, /) -> Segment: ...


class Opening:
    """Says which segments are made alone in the lowest rung, see `streamify.planning.lead`.

    Args:
        plan: Of the job.
        segments: Of the plan.
        taken: (track, segment) of what exists or is being made alone; grows.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        plan: Plan,
        segments: Segments,
        taken: Collection[tuple[str, int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._segments, self._taken, self._clock = plan, segments, taken, clock
        cost = plan.estimate.cost
        lowest = min(range(len(plan.video)), key=lambda number: cost[number], default=None)
        self._lowest = plan.video[lowest].id if lowest is not None else None
        self._share = cost[lowest] if lowest is not None else 1.0
        self._left = may_be_alone(plan.segments) if len(plan.video) > 1 else 0
        self._handed: set[int] = set()  # segments that are being made in all rungs
        self._reached = 0
        self._all_rungs = 2.0 * plan.target_duration
        self._known = False
        self._since = clock() if (self._lowest, 0) in taken else None

    @property
    def reached(self) -> int:
        """The first segment whose lowest rung is neither made nor being made."""
        while self._reached in self._handed or (self._lowest, self._reached) in self._taken:
            self._handed.discard(self._reached)
            self._reached += 1
        return self._reached

    def handed_out(self, segment: int) -> None:
        """Take note of a segment that is being made in all rungs that it lacks."""
        if segment >= self._reached:
            self._handed.add(segment)

    def alone(self) -> Wanted | None:
        """Return what has to be made alone next; ``None``: nothing has to."""
        number = self.reached
        if not self._left or self._lowest is None or number >= self._plan.segments:
            return None
        watched = self._clock() - self._since if self._since is not None else 0.0
        reached = self._segments[number].start / self._plan.timeline.timescale
        if not is_short(Lead(watched, reached, self._all_rungs, self._plan.target_duration)):
            return None
        self._left -= 1
        return Wanted(self._lowest, number)

    def made(self, result: MediaResult) -> None:
        """Learn from what a task cost how long the next ones take."""
        if self._since is None and any((one.track, one.segment) == (self._lowest, 0) for one in result.records):
            self._since = self._clock()
        costs = [one.cost for one in result.records if one.seam is not None]
        spent = sum(cost.decode + cost.scale + cost.encode + cost.other for cost in costs)
        if len(costs) > 1:
            self._all_rungs, self._known = spent, True
        elif costs and not self._known and result.records[0].track == self._lowest:
            self._all_rungs = all_rungs_take(spent, self._share)
