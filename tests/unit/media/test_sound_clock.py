"""Sound follows the clock of the pictures from one recording to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import pytest

from streamify.media.audio.clock import SoundClock
from streamify.model.source import ClockBreak

LENGTH = Fraction(1024, 48000)
SIZE = 1000
"""Bytes of a packet of sound, and of the pictures beside it."""


def heard(lengths: Sequence[Fraction], shifts: Sequence[Fraction], late: Fraction) -> Iterator[tuple[int, Fraction]]:
    """Yield part and time on the timeline of each packet; sound begins `late` in each recording, and in the file."""
    starts = [sum((round(one / LENGTH) for one in lengths[:place]), 0) for place in range(1, len(lengths))]
    breaks = [
        ClockBreak(at=Fraction(0), position=start * SIZE, shift=shift)
        for start, shift in zip(starts, shifts, strict=True)
    ]
    clock, expected, number = SoundClock(breaks), late, 0
    for part, length in enumerate(lengths):
        for at in range(round(length / LENGTH)):
            expected = clock.at(at * LENGTH + late, expected, number * SIZE + SIZE // 2)
            yield part, expected
            expected += LENGTH
            number += 1


@pytest.mark.parametrize("first", [Fraction(1, 10), Fraction(2, 5), Fraction(1, 2), Fraction(3, 5), Fraction(20)])
@pytest.mark.parametrize("late", [Fraction(0), Fraction(1, 50)])
def test_each_part_lies_where_its_pictures_do(first: Fraction, late: Fraction) -> None:
    lengths = [first, Fraction(2), first]
    shifts = [first, first + 2]
    begun = dict[int, Fraction]()
    for part, time in heard(lengths, shifts, late):
        begun.setdefault(part, time)
    assert begun == {0: late, 1: first + late, 2: first + 2 + late}
