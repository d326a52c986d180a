"""Sound follows the clock of the pictures from one recording to the next."""

from __future__ import annotations

from fractions import Fraction

from streamify.media.audio.clock import SoundClock
from streamify.model.source import ClockBreak

LENGTH = Fraction(1, 50)
SIZE = 1000
"""Bytes of a packet, and of the pictures beside it."""


def test_sound_changes_where_the_container_says_and_not_before() -> None:
    """Parts of 0.4, 0.2 and 4 s, of which each begins at 0; jitter at their ends is as large as they are."""
    counts, shifts = (20, 10, 200), (Fraction(2, 5), Fraction(3, 5))
    breaks = [
        ClockBreak(at=Fraction(0), position=sum(counts[: place + 1]) * SIZE, shift=shift, exact=True)
        for place, shift in enumerate(shifts)
    ]
    clock, expected, number = SoundClock(breaks), Fraction(0), 0
    for place, count in enumerate(counts):
        for at in range(count):
            time = at * LENGTH + (Fraction(3, 10) if at == count - 1 else 0)
            heard = clock.at(time, expected, number * SIZE)
            assert heard == time + (0, *shifts)[place], number
            expected = heard + LENGTH
            number += 1


def test_a_clock_that_falls_far_is_followed_between_such_places() -> None:
    """A part of 10 s that begins at 0 behind one of 4 s, without a word of the container, then one of 0.4 s."""
    breaks = [
        ClockBreak(at=Fraction(0), position=200 * SIZE, shift=Fraction(4)),
        ClockBreak(at=Fraction(0), position=700 * SIZE, shift=Fraction(14), exact=True),
    ]
    clock, expected = SoundClock(breaks), Fraction(0)
    for number in range(720):
        first = 700 if number >= 700 else 203 if number >= 203 else 0  # sound lies a little behind the pictures
        time = (number - first) * LENGTH
        heard = clock.at(time, expected, number * SIZE)
        assert heard == time + (14 if number >= 700 else 4 if number >= 203 else 0), number
        expected = heard + LENGTH
