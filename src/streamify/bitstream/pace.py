"""Whether the times of packets of sound can be right beside the samples that they hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from statistics import median

RECKONED = "avi"
"""Container whose times FFmpeg reckons from rates and sizes in its header, which writers get wrong: G.722, DTS, E-AC-3,
Vorbis and Speex by FFmpeg's own muxer.
"""
NEAR = Fraction(3, 4), Fraction(4, 3)
"""How fast a clock may run against samples: what is outside is no drift."""
LEAST = 3
"""Packets by which that is told."""


def wrong_pace(steps: Iterable[tuple[Fraction, Fraction]]) -> Fraction | None:
    """Return how many times as fast as its samples a clock runs that cannot be right; ``None``: it can.

    It is wrong from packet to packet, and on the whole: a hole is no wrong pace, and neither is a coarse tick.

    Args:
        steps: Of packets: seconds up to the next one by the clock, and seconds of samples.
    """
    known = [(step, length) for step, length in steps if length > 0]
    if len(known) < LEAST:
        return None
    whole = sum(step for step, _ in known) / sum(length for _, length in known)
    usual = Fraction(median(step / length for step, length in known))
    low, high = NEAR
    return Fraction(whole) if not low <= whole <= high and not low <= usual <= high else None
