"""Where the rate of pictures changes midway is named; pictures that come at any time change no rate."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate

import pytest

from streamify.model.source import VideoFacts
from streamify.planning.rate import fit_rate
from streamify.planning.rate_notes import rate_notes

TICK, MILLISECOND = Fraction(1, 90_000), Fraction(1, 1000)
FIELD = Fraction(1001, 60_000)


def times(lasting: Iterable[Fraction], time_base: Fraction = TICK) -> list[int]:
    """Return when pictures are shown that last some seconds each, rounded to ticks, from 1.4 s on."""
    return [round(at / time_base) for at in accumulate(lasting, initial=Fraction(7, 5))]


def said(pts: Sequence[int], time_base: Fraction = TICK) -> list[str]:
    rate = fit_rate(pts, time_base)
    video = VideoFacts(
        stream=0, codec="h264", width=320, height=180, sample_aspect=Fraction(1), pixel_format="yuv420p",
        time_base=time_base, frames=len(pts), first=pts[0], end=pts[-1] + 1, rate=rate, average_rate=Fraction(25),
    )  # fmt: skip
    return [note.what for note in rate_notes(video, pts, pts[0])]


def even(rate: Fraction | int, count: int) -> list[Fraction]:
    return [1 / Fraction(rate)] * count


@pytest.mark.parametrize("time_base", [TICK, MILLISECOND, Fraction(1, 1_000_000_000)])
@pytest.mark.parametrize(("before", "after"), [(25, 50), (50, 25), (25, 24), (30, 24), (60, 25)])
def test_a_change_is_named_with_its_time_and_both_rates(before: int, after: int, time_base: Fraction) -> None:
    pts = times([*even(before, 4 * before), *even(after, 100)], time_base)
    assert said(pts, time_base) == [f"{after} pictures per second from 4.000 s on, no longer {before}"]


def test_each_of_several_changes_is_named() -> None:
    pts = times([*even(25, 50), *even(50, 50), *even(25, 100), *even(Fraction(30_000, 1001), 100)])
    assert said(pts) == [
        "50 pictures per second from 2.000 s on, no longer 25",
        "25 pictures per second from 3.000 s on, no longer 50",
        "29.97 pictures per second from 7.000 s on, no longer 25",
    ]


def test_a_telecine_that_begins_or_ends() -> None:
    """Flags repeat a field of each second picture: 2 and 3 fields in turn, 240 pictures in 600 fields."""
    pulled, video = [3 * FIELD, 2 * FIELD] * 120, [2 * FIELD] * 300
    begins, ends = said(times([*video, *pulled])), said(times([*pulled, *video]))
    assert begins == ["23.976 (telecine) pictures per second from 10.010 s on, no longer 29.97"]
    assert ends == ["29.97 pictures per second from 10.010 s on, no longer 23.976 (telecine)"]


DICE = random.Random(4)
NONE: dict[str, list[Fraction]] = {
    "any time": [Fraction(DICE.randrange(10, 90), 1000) for _ in range(500)],
    "jitter": [Fraction(1, 30) + Fraction(DICE.randrange(-5, 6), 1000) for _ in range(500)],
    "pictures that are missing": [Fraction(DICE.choice((1, 1, 1, 1, 2)), 30) for _ in range(500)],
    "pauses": [*even(30, 100), Fraction(5), *even(30, 100), Fraction(70), *even(30, 40)],
    "a clock that drifts": [Fraction(1, 30) + Fraction(place, 10_000_000) for place in range(600)],
    "a join of two clocks of one rate": [*even(30, 100), *even(Fraction(30_000, 1001), 100)],
    "few pictures of another rate": [*even(25, 100), *even(50, 5), *even(25, 100)],
}


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("time_base", [TICK, MILLISECOND])
def test_no_rate_changes(name: str, time_base: Fraction) -> None:
    assert said(times(NONE[name], time_base), time_base) == []


def test_many_changes_are_counted() -> None:
    often = times([one for _ in range(30) for one in (*even(60, 30), *even(30, 15))])
    assert said(often) == ["the rate of pictures changes 59 times, from 0.500 s on"]
    slowly = said(times([one for _ in range(15) for one in (*even(60, 180), *even(30, 90))]))
    assert (len(slowly), slowly[-1]) == (21, "9 more changes of the rate")
