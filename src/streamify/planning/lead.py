"""The order of a stream that is published while it is made: a viewer who starts now must not run out of it. Pure.

One decode feeds all renditions of a segment, which is cheapest, but takes until the dearest of them is done. So the
first segments of the lowest rung are made alone, ahead of the others: as many as a viewer needs who started with the
first. Each costs a decode of its own, so their number is bounded.
"""

from __future__ import annotations

from typing import NamedTuple

from streamify.planning.agenda import FOLLOWING

OPENING = FOLLOWING - 1
"""Priority of what a stream begins with: above the rest of other jobs, below what viewers wait for."""

ALONE = 5
"""One of how many segments may be made alone in the lowest rung. A decode is a tenth of the cost of a segment in all
rungs at most, so the job takes no more than two per cent longer."""

LEAST_ALONE = 2
"""Segments that may be, however short the film is."""


class Lead(NamedTuple):
    """How far a stream is ahead of its first viewer. Seconds."""

    watched: float
    """Since the first segment could be watched; 0 before."""
    reached: float
    """Up to where the lowest rung is made or being made."""
    all_rungs: float
    """That a segment takes in all rungs."""
    poll: float
    """After which a player may learn of a new segment: the target duration."""


def is_short(lead: Lead) -> bool:
    """Return whether the lowest rung has to go on alone: a segment in all rungs, begun now, would come too late.

    It is learnt of `poll` seconds after it is published, and needed one more segment before it is shown.
    """
    return lead.reached < lead.watched + lead.all_rungs + 2 * lead.poll


def may_be_alone(segments: int) -> int:
    """Return how many segments of a stream may be made alone in the lowest rung."""
    return max(LEAST_ALONE, segments // ALONE)


def all_rungs_take(cost: float, share: float) -> float:
    """Return the seconds that a segment takes in all rungs, by what it cost in one of them.

    Args:
        cost: CPU seconds of one rung alone, with its decode.
        share: Of the encoding that this rung takes, above 0 to 1.
    """
    return cost / max(share, 0.05)
