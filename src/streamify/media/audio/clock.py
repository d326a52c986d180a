"""Where sound lies on a timeline whose source starts its clock anew or lets it jump. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from streamify.model.source import ClockBreak

JUMP = Fraction(1, 2)
"""Seconds off the expected time from which on a time may be that of another part of the clock."""
APART = 4 << 20
"""Bytes by which sound may lie before the pictures that are shown with it."""


class SoundClock:
    """Puts the times of one stream's packets, taken in the order of the file, on one timeline.

    The clock of the sound breaks where that of the pictures does, a little earlier or later in the file.
    """

    def __init__(self, breaks: Sequence[ClockBreak]) -> None:
        self._breaks = breaks
        self._positions = sorted(one.position for one in breaks)
        self._passed: int | None = None

    @property
    def passed(self) -> int | None:
        """Return how many breaks lie before the last packet; ``None`` before the first one."""
        return self._passed

    def at(self, time: Fraction, expected: Fraction, position: int | None) -> Fraction:
        """Return when something is heard, seconds.

        Args:
            time: What the source says, seconds; the clock before the first break counts.
            expected: When it is heard if it follows what came before.
            position: Byte offset of its packet, where it is known.
        """
        if self._passed is None:
            self._passed = self._reached(position, 0) if position is not None else 0
        last = self._reached(position, APART) if position is not None else len(self._breaks)
        while self._passed < len(self._breaks):
            if self._breaks[self._passed].exact:
                if position is None or position < self._breaks[self._passed].position:
                    break
            else:
                off = abs(self._on(time, self._passed) - expected)
                if off <= JUMP or self._passed >= last or abs(self._on(time, self._passed + 1) - expected) >= off:
                    break
            self._passed += 1
        return self._on(time, self._passed)

    def _on(self, time: Fraction, passed: int) -> Fraction:
        return time + (self._breaks[passed - 1].shift if passed else 0)

    def _reached(self, position: int, ahead: int) -> int:
        return bisect_right(self._positions, position + ahead)
