"""Holes stand out where a film runs evenly, and only there."""

from __future__ import annotations

import random
from fractions import Fraction

from streamify.bitstream.gaps import holes

TICK = Fraction(1, 90000)


def test_a_hole_in_an_even_film_has_a_time_and_a_length() -> None:
    times = [number * 3600 for number in range(200) if not 80 <= number < 100]
    assert list(holes(times, TICK)) == [(80 * 3600, 100 * 3600)]


def test_an_even_film_has_none() -> None:
    assert list(holes(range(0, 3600 * 200, 3600), TICK)) == []
    assert list(holes([number * 1001 // 30 for number in range(300)], Fraction(1, 1000))) == []


def test_a_few_pictures_that_were_left_out_are_no_hole() -> None:
    assert list(holes([number * 3600 for number in range(200) if number not in (50, 51, 90)], TICK)) == []


def test_pauses_are_part_of_a_variable_rate() -> None:
    dice = random.Random(1)
    times = [0]
    for _ in range(200):
        times.append(times[-1] + dice.choice((1500, 3000, 4500, 9000, 90000)))
    assert list(holes(times, TICK)) == []
