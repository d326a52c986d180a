"""Which renditions a viewer can watch while they are made. Pure.

A rendition that is made slower than it plays makes its viewer wait again and again. It is offered once so much of its
start exists that the rest is made before he gets there.
"""

from __future__ import annotations

import math
from fractions import Fraction

from streamify.model.plan import Plan
from streamify.planning.agenda import AHEAD
from streamify.planning.images import smallest
from streamify.planning.speed import from_table

MARGIN = 0.8
"""Share of the time of a stretch in which it must be made: the machine has other work, and films have harder parts."""


def needed_first(plan: Plan, workers: int) -> dict[str, int]:
    """Return of each rendition how many of its first segments must exist before it is offered; 0: none.

    The smallest rendition is always offered, and with it a stream.

    Args:
        plan: Of the stream.
        workers: Tasks that run at the same moment.
    """
    if not plan.video:
        return {}
    table = from_table(plan)
    least = smallest(plan.video).id
    parallel = max(1, min(workers, 1 + AHEAD))
    pictures = _source_pictures(plan)
    needed = {}
    for track, spent in zip(plan.video, table.renditions, strict=True):
        expected = pictures * table.decode + float(track.frame_rate) * spent
        pace = expected / parallel / MARGIN
        needed[track.id] = 0 if track.id == least or pace <= 1 else math.ceil(plan.segments * (1 - 1 / pace))
    return needed


def _source_pictures(plan: Plan) -> float:
    """Return how many pictures of the source are decoded for a second of film."""
    assert plan.source.video is not None
    seconds = Fraction(plan.timeline.end, plan.timeline.timescale)
    return float(plan.source.video.frames / seconds)
