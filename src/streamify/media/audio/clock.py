"""Where sound lies on a timeline whose source starts its clock anew or lets it jump. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from streamify.model.source import ClockBreak

JUMP = Fraction(1, 2)
"""Seconds off the expected time from which on a time may be that of another part of the clock."""
APART = 4 << 20
"""Bytes by which sound may lie before the pictures that are shown with it."""
BESIDE = 1 << 16
"""The same where the clock is set by so little that jitter could be taken for it."""


class SoundClock:
    """Puts the times of one stream's packets, taken in the order of the file, on one timeline.

    The clock of the sound breaks where that of the pictures does, a little earlier or later in the file.
    """

    def __init__(self, breaks: Sequence[ClockBreak]) -> None:
        self._breaks = breaks
        self._positions = sorted(one.position for one in breaks)
        shifts = [Fraction(0), *(one.shift for one in breaks)]
        self._limits = [min(JUMP, abs(two - one) / 2) for one, two in pairwise(shifts)]
        """By how much a time must be off for it to be behind each break."""
        self._passed: int | None = None

    def at(self, time: Fraction, expected: Fraction, position: int | None) -> Fraction:
        """Return when something is heard, seconds.

        Args:
            time: What the source says, seconds; the clock before the first break counts.
            expected: When it is heard if it follows what came before.
            position: Byte offset of its packet, where it is known.
        """
        if self._passed is None:
            self._passed = self._reached(position, 0) if position is not None else 0
        behind = self._reached(position, 0) if position is not None else 0
        while self._passed < len(self._breaks) and self._may_pass(position):
            limit = self._limits[self._passed]
            off = abs(self._on(time, self._passed) - expected)
            if off <= limit:
                break
            if limit < JUMP and self._passed < behind:  # of short recordings the order in the file tells which it is
                self._passed = behind
                break
            if abs(self._on(time, self._passed + 1) - expected) >= off:
                break
            self._passed += 1
            if limit < JUMP:
                break
        return self._on(time, self._passed)

    def _may_pass(self, position: int | None) -> bool:
        """Whether something at a byte offset can lie behind the next break."""
        assert self._passed is not None
        if position is None:
            return True
        ahead = APART if self._limits[self._passed] == JUMP else BESIDE
        return self._reached(position, ahead) > self._passed

    def _on(self, time: Fraction, passed: int) -> Fraction:
        return time + (self._breaks[passed - 1].shift if passed else 0)

    def _reached(self, position: int, ahead: int) -> int:
        return bisect_right(self._positions, position + ahead)
