"""How much of a job's work its segments are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streamify.model.plan import Plan
from streamify.planning.grid import steps_of


def share_done(plan: Plan, done: Mapping[str, int]) -> float:
    """Return the share of the job's CPU time that its finished segments take, 0 to 1.

    Args:
        plan: Of the job.
        done: Finished segments by the id of their track; they are taken for the first ones.
    """
    if not plan.video:
        total = plan.segments * len(plan.tracks)
        return sum(done.get(track.id, 0) for track in plan.tracks) / max(1, total)
    whole = _length(plan, plan.segments)
    each = zip(plan.video, plan.estimate.cost, strict=True)
    return sum(cost * _length(plan, done.get(track.id, 0)) / whole for track, cost in each)


def opening_lengths(plan: Plan) -> tuple[float, ...]:
    """Return the lengths of the segments that the stream opens with, in those of a whole one."""
    steps = steps_of(plan.settings.segment_seconds, plan.settings.keyframe_seconds)
    return tuple(length / steps for length in plan.timeline.opening)


def _length(plan: Plan, count: int) -> float:
    """Return the length of the first `count` segments, in those of a whole one."""
    opening = opening_lengths(plan)[:count]
    return sum(opening) + count - len(opening)


def count_by_track(done: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return how many segments of each track are among (track, segment)."""
    counts: dict[str, int] = {}
    for track, _ in done:
        counts[track] = counts.get(track, 0) + 1
    return counts


def seconds_left(share: float, share_at_start: float, elapsed: float) -> float | None:
    """Return how long the rest takes at the speed so far, or ``None`` where nothing shows it yet.

    Args:
        share: Done of the job, 0 to 1.
        share_at_start: Done when the run began its tasks.
        elapsed: Seconds since then.
    """
    made = share - share_at_start
    return elapsed * (1 - share) / made if made > 0 and elapsed > 0 else None
