"""Constant or not is decided by fit, whatever the container's clock made of the times."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.planning.rate import fit_rate

RATES = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
CLOCKS = (Fraction(1, 90000), Fraction(1, 1000), Fraction(1, 30000), Fraction(1, 600), Fraction(1, 12800))


@pytest.mark.parametrize("clock", CLOCKS, ids=str)
@pytest.mark.parametrize("rate", [*RATES, "12.5", "10", "120", "15000/1001"])
@pytest.mark.parametrize("rounding", [round, int])
def test_rounded_times_are_recognised(rate: str, clock: Fraction, rounding: object) -> None:
    assert callable(rounding)
    pts = [5000 + rounding(number / Fraction(rate) / clock) for number in range(600)]
    assert fit_rate(pts, clock) == Fraction(rate)


@pytest.mark.parametrize(
    ("pts", "clock", "rate"),
    [
        ([0], Fraction(1, 1000), None),
        ([0, 40], Fraction(1, 1000), Fraction(25)),
        ([0, 33], Fraction(1, 1000), Fraction(30)),  # the standard rate that is nearest, not 1000/33
        ([0, 33, 67, 100, 133, 167, 200, 233, 267, 300, 333, 367, 400, 433, 467], Fraction(1, 1000), Fraction(30)),
        ([0, 33, 67, 100, 133, 167, 200, 234, 267, 300, 334, 367], Fraction(1, 1000), Fraction(30000, 1001)),
        ([0, 3753, 7507, 11261], Fraction(1, 90000), Fraction(24000, 1001)),  # MPEG-TS: 3753 or 3754 ticks
        ([n * 1001 for n in range(50)], Fraction(1, 24000), Fraction(24000, 1001)),
        ([n * 7 for n in range(50)], Fraction(1, 100), Fraction(100, 7)),  # odd, but exact
        ([n * 512 for n in range(50)], Fraction(1, 15360), Fraction(30)),
        ([0, 33, 66, 100, 133, 166, 200, 240, 266], Fraction(1, 1000), None),  # one picture 7 ms late
        ([0, 40, 80, 160, 200], Fraction(1, 1000), None),  # one missing
        ([0, 40, 80, 120, 121], Fraction(1, 1000), None),
        ([*range(0, 96, 2), 95], Fraction(1, 50), Fraction(25)),  # as AVI and GXF of FFmpeg end
        ([*range(0, 98, 2), 97], Fraction(1, 50), Fraction(25)),
        ([0, 2, 4, 7, 8, 10, 12, 14, 16, 18], Fraction(1, 50), None),  # late: it would take the place of the next
    ],
)
def test_by_hand(pts: list[int], clock: Fraction, rate: Fraction | None) -> None:
    assert fit_rate(pts, clock) == rate


@given(
    rate=st.sampled_from(RATES).map(Fraction),
    count=st.integers(30, 400),
    where=st.floats(0.1, 0.9),
    off=st.sampled_from([-200, -120, 120, 200, 600]),
)
def test_one_picture_out_of_place_makes_it_variable(rate: Fraction, count: int, where: float, off: int) -> None:
    pts = [round(number * 90000 / rate) for number in range(count)]
    pts[int(where * count)] += off
    assert fit_rate(pts, Fraction(1, 90000)) is None


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=80))
def test_what_fits_is_within_a_tick(gaps: list[int]) -> None:
    pts = [0]
    for gap in gaps:
        pts.append(pts[-1] + gap)
    rate = fit_rate(pts, Fraction(1, 1000))
    if rate is not None:
        assert all(abs(tick - number * 1000 / rate) <= 1 for number, tick in enumerate(pts))
