"""Sound without pictures: where its clock starts anew, and where it only jitters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import pytest

from streamify.bitstream.sound_restarts import short_restarts

LENGTH = Fraction(1024, 48000)


def restarts(times: Sequence[Fraction]) -> list[int]:
    return list(short_restarts([(at, time - at * LENGTH, LENGTH) for at, time in enumerate(times)]))


@pytest.mark.parametrize("counts", [(1, 80), (2, 80), (5, 80), (19, 80), (5, 5, 5), (1, 1, 1, 9), (80, 2, 5)], ids=str)
def test_recordings_of_any_length(counts: tuple[int, ...]) -> None:
    times = [at * LENGTH for count in counts for at in range(count)]
    rounded = [Fraction(round(time * 1000), 1000) for time in times]
    starts = [sum(counts[: place + 1]) for place in range(len(counts) - 1)]
    assert restarts(times) == restarts(rounded) == starts


@pytest.mark.parametrize("milliseconds", [5, 30, 60, 200])
def test_jitter(milliseconds: int) -> None:
    dice = random.Random(milliseconds)
    off = [Fraction(dice.randint(-milliseconds, milliseconds), 1000) for _ in range(5000)]
    assert restarts([at * LENGTH + one for at, one in enumerate(off)]) == []


@pytest.mark.parametrize("back", [1, 5, 20])
@pytest.mark.parametrize("length", [1, 3, 10])
def test_packets_whose_times_alone_are_off(back: int, length: int) -> None:
    for by in (back, -back):
        times = [(at + by * (40 <= at < 40 + length)) * LENGTH for at in range(100)]
        assert restarts(times) == []
