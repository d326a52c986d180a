"""Images of a stream that is still being made: which of them can be made by now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from streamify.model.images import Moment, PosterPlan, Storyboard
from streamify.model.plan import Timeline
from streamify.planning.images import at_keyframes, moment

SAMPLES = 8
"""Pictures that a poster of what exists by now is chosen from."""

SERVES = 0.15
"""Worth from which a picture serves as a poster until the whole film is known: black, blank, faded ones have less."""

_AGAIN, _BETTER = 2, 8
"""How many times as many segments as at the last try there are at the next one: where there is no poster yet, and
where there is one. So a film of 10 hours has at most 13 tries."""


def segments_for_sheet(board: Storyboard, timeline: Timeline, borders: Sequence[int], sheet: int) -> int:
    """Return how many of the first segments of its rendition a sheet of thumbnails is made from.

    Args:
        board: Of the plan.
        timeline: Of the plan.
        borders: Starts of the segments and the end of the last, output ticks.
        sheet: Its number.
    """
    last = min((sheet + 1) * board.tiles, board.count) - 1
    return moment(last * board.interval, timeline, borders).segment + 1


def is_poster_due(segments: int, tried: int, *, serves: bool) -> bool:
    """Return whether a poster is to be chosen from the segments that exist by now.

    Args:
        segments: The first ones, none of them missing.
        tried: How many there were at the last try; 0: there was none.
        serves: Whether that try found a poster.
    """
    return segments >= max(1, tried * (_BETTER if serves else _AGAIN))


def early_poster(plan: PosterPlan, segments: int) -> PosterPlan:
    """Return what a poster of the first segments is made from. It is never taken for that of the whole film."""
    return plan.model_copy(update={"id": f"{plan.id}-{segments}"})


def is_early_poster(plan: PosterPlan, poster: str) -> bool:
    """Return whether a poster, by its id, is one of the first segments of the film."""
    return poster.startswith(f"{plan.id}-")


def early_candidates(timeline: Timeline, borders: Sequence[int], segments: int) -> tuple[Moment, ...]:
    """Return pictures spread over the first segments; other arguments as of `segments_for_sheet`."""
    length = Fraction(borders[segments], timeline.timescale)
    times = (length * (2 * number + 1) / (2 * SAMPLES) for number in range(SAMPLES))
    found = tuple(dict.fromkeys(moment(time, timeline, borders) for time in times))
    return at_keyframes(found, timeline, borders)


def published_sheets(board: Storyboard, made: int, until: Fraction) -> int:
    """Return how many sheets a stream names that goes as far as `until`, not to its end: none that goes further.

    Args:
        board: Of the plan.
        made: How many of the first ones exist.
        until: Seconds.
    """
    return min(made, int(until / (board.tiles * board.interval)))
