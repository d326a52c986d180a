"""Where the clock of sound without pictures starts anew behind a short recording. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

AROUND = 16
"""Packets on either side whose times say how much they jitter."""
LEAST = Fraction(3, 4)
"""Packets by which the clock must fall: a recording has one at the least."""
FALLS = Fraction(1, 200)
"""Seconds by which it must fall."""
NOISE = 2
"""How many times more it must fall than times leap nearby: what falls behind jitter or a burst had risen before."""


def short_restarts(packets: Sequence[tuple[int, Fraction, Fraction]]) -> Iterator[int]:
    """Yield the numbers of packets at which the clock starts anew.

    Args:
        packets: Those with a time: number, by how much that is later than all samples in front of it last, and for how
            long its own last, seconds.
    """
    steps = [after[1] - before[1] for before, after in pairwise(packets)]
    for place, step in enumerate(steps, 1):
        number, _, length = packets[place]
        if -step > max(LEAST * length, FALLS):
            near = steps[max(0, place - 1 - AROUND) : place - 1 + AROUND]
            if -step > NOISE * max(near):
                yield number
