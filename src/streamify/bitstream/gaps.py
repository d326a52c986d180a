"""Where a film that otherwise runs evenly shows no picture: a pause, or footage that is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from operator import sub
from statistics import median_low

EVEN = Fraction(9, 10)
"""Share of pictures that must be as far apart as usual for a hole to stand out."""
LEAST = Fraction(1, 4)
"""Seconds without a picture that count as a hole, and at least `PICTURES`."""
PICTURES = 4


def holes(shown: Sequence[int], time_base: Fraction) -> Iterator[tuple[int, int]]:
    """Yield the time at which a picture is missing and that of the next one there is, ticks.

    Args:
        shown: Presentation times in order.
        time_base: Seconds per tick.
    """
    if isinstance(shown, range) or len(shown) < 2 * PICTURES:
        return
    gaps = list(map(sub, islice(shown, 1, None), shown))
    if max(gaps) * time_base < LEAST:
        return
    usual = median_low(gaps)
    if sum(abs(gap - usual) <= max(1, usual // 8) for gap in gaps) < EVEN * len(gaps):
        return  # a variable rate: pauses are part of it
    for place, gap in enumerate(gaps):
        if gap * time_base >= LEAST and gap >= PICTURES * usual:
            yield shown[place] + usual, shown[place + 1]
