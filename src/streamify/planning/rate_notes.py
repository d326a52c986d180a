"""Where the rate of pictures changes midway, said as notes. Pure.

A rate is a run of pictures that are evenly apart, or last two and three fields in turn. In a film of which most is no
such run pictures come at any time, and nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from streamify.model.source import Note, VideoFacts
from streamify.model.text import decimal
from streamify.planning.rate import FIELD, FILM, FINE, fit_rate

LEAST = 12
"""Pictures of a run, at least."""
SAME = Fraction(1, 100)
"""Share by which two rates may differ and be the same one: clocks drift, and 30 is not told from 29.97."""
MOST = Fraction(3, 4)
"""Share of the pictures that must be in runs."""
NAMED = 20
"""Changes that are named one by one; the rest are counted."""
FEW = 2
"""Seconds per change, on average, below which changes are counted, and not named one by one."""


@dataclass(frozen=True)
class _Run:
    first: int
    """Number of its first picture."""
    last: int
    """Number of its last picture whose distance to the one before it is that of the others."""
    film: bool = False
    """Whether pictures last two and three fields in turn."""


def rate_notes(video: VideoFacts, pts: Sequence[int], origin: int) -> Iterator[Note]:
    """Yield a note for each change.

    Args:
        video: Facts of the pictures.
        pts: When each is shown, source ticks, in order.
        origin: Source tick that is second 0.
    """
    if video.rate is not None:
        return
    runs = [run for run in _runs(pts, video.time_base) if run.last - run.first >= LEAST - 1]
    if sum(run.last - run.first + 1 for run in runs) < MOST * len(pts):
        return
    rates = [(run, _rate(run, pts, video.time_base)) for run in runs]
    changes = [
        (pts[after.first], before, rate, before_run.film, after.film)
        for (before_run, before), (after, rate) in pairwise(rates)
        if abs(before - rate) > SAME * before
    ]
    if len(changes) > 1 and len(changes) * FEW > (pts[-1] - pts[0]) * video.time_base:
        first = f"{float((changes[0][0] - origin) * video.time_base):.3f} s"
        what = f"the rate of pictures changes {len(changes)} times, from {first} on"
        yield Note(kind="info", what=what, why="each picture is shown at its own time")
        return
    for number, (at, before, after, was_film, is_film) in enumerate(changes):
        if number == NAMED:
            yield Note(kind="info", what=f"{len(changes) - NAMED} more changes of the rate", why="as above")
            return
        time = f"from {float((at - origin) * video.time_base):.3f} s on"
        yield Note(
            kind="info",
            what=f"{_said(after, is_film)} pictures per second {time}, no longer {_said(before, was_film)}",
            why="each picture is shown at its own time",
        )


def _said(rate: Fraction, film: bool) -> str:
    return f"{decimal(rate)} (telecine)" if film else decimal(rate)


def _rate(run: _Run, pts: Sequence[int], time_base: Fraction) -> Fraction:
    if run.film:
        return FILM
    fitted = fit_rate(pts[run.first : run.last + 1], time_base)
    return fitted or Fraction(run.last - run.first, pts[run.last] - pts[run.first]) / time_base


def _runs(pts: Sequence[int], time_base: Fraction) -> Iterator[_Run]:
    """Yield runs that follow each other; a picture may end one and begin the next."""
    field = 1 / (FIELD * time_base)
    fine = field >= FINE
    at = 0
    while at < len(pts) - 1:
        even, film = _even(pts, at), _film(pts, at, field) if fine else at
        yield _Run(at, max(even, film), film=film > even)
        at = max(even, film)


def _even(pts: Sequence[int], first: int) -> int:
    """Return the last picture up to which all are evenly apart from one on, within a tick."""
    low, low_count = pts[first + 1] - pts[first] - 1, 1
    high, high_count = low + 2, 1
    for at in range(first + 2, len(pts)):
        gap, span, count = pts[at] - pts[at - 1], pts[at] - pts[first], at - first
        if gap * low_count < low - low_count or gap * high_count > high + high_count:
            return at - 1
        if (span - 1) * low_count > low * count:
            low, low_count = span - 1, count
        if (span + 1) * high_count < high * count:
            high, high_count = span + 1, count
        if low * high_count > high * low_count:
            return at - 1
    return len(pts) - 1


def _film(pts: Sequence[int], first: int, field: Fraction) -> int:
    """Return the last picture up to which they last two and three fields in turn from one on."""
    two, three = round(2 * field), round(3 * field)
    last = 0
    for at in range(first, len(pts) - 1):
        gap = pts[at + 1] - pts[at]
        fields = 2 if abs(gap - two) <= 2 else 3 if abs(gap - three) <= 2 else 0
        if not fields or fields == last:
            return at
        last = fields
    return len(pts) - 1
