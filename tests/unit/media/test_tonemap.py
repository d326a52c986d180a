"""The tone map's arithmetic against the figures of the ITU's texts, calculated by hand where they give a formula."""

from __future__ import annotations

import math
from itertools import pairwise, product

import pytest

from streamify.media.pq import pq_light, pq_signal
from streamify.media.video.tonemap import HLG, PQ, Hdr, light_709, roll_off, tone_map

STEPS = [number / 16 for number in range(17)]
Triple = tuple[float, float, float]


def code(signal: float) -> float:
    """Return 8-bit luma of a grey, limited range (BT.709, item 3.4)."""
    return 16 + 219 * signal


@pytest.mark.parametrize(
    ("light", "signal"),
    # Report ITU-R BT.2408, table 1 and annex 2; SMPTE ST 2084.
    [(0, 0.0), (26, 0.38), (203, 0.58), (100, 0.508078), (1000, 0.751827), (4000, 0.902572), (10_000, 1.0)],
)
def test_pq_is_that_of_bt2100(light: float, signal: float) -> None:
    assert pq_signal(light) == pytest.approx(signal, abs=0.005 if signal in (0.38, 0.58) else 2e-6)
    assert pq_light(pq_signal(light)) == pytest.approx(light, rel=1e-6, abs=1e-6)


def test_reference_white_of_pq_is_where_bt2390_puts_it() -> None:
    """BT.2390's EETF by hand, for 203 cd/m2 of a display of 1,000 shown on one of 203.

    E1 = PQ(203)/PQ(1000) = 0.5807/0.7518 = 0.7724 = maxLum; KS = 1.5*0.7724 - 0.5 = 0.6586; T = (0.7724 - 0.6586) /
    (1 - 0.6586) = 1/3. The spline: 20/27*0.6586 + 4/27*0.3414 + 7/27*0.7724 = 0.7387; times 0.7518: PQ 0.5553, which
    is 159 cd/m2. Of 203 that is 0.783; BT.1886: 0.783^(1/2.4) = 0.903; 16 + 219*0.903 = 213.8.
    """
    assert roll_off(203, 1000) == pytest.approx(159, abs=0.5)
    white = pq_signal(203)
    assert code(tone_map((white, white, white), Hdr(PQ))[0]) == pytest.approx(213.8, abs=1)


def test_reference_white_of_hlg_is_that_of_pq() -> None:
    """HLG 0.75 is 203 cd/m2 on a display of 1,000 (BT.2408, table 1); 0.5 is (1/12)^1.2*1000 = 50.7, below the knee."""
    assert code(tone_map((0.75, 0.75, 0.75), Hdr(HLG))[0]) == pytest.approx(213.8, abs=1)
    assert code(tone_map((0.5, 0.5, 0.5), Hdr(HLG))[0]) == pytest.approx(16 + 219 * (50.7 / 203) ** (1 / 2.4), abs=0.5)


@pytest.mark.parametrize("brightest", [150, 203, 400, 1000, 4000, 10_000])
def test_the_roll_off_rises_up_to_the_peak_and_ends_at_white(brightest: float) -> None:
    lights = [brightest * number / 200 for number in range(201)]
    shown = [roll_off(light, brightest) for light in lights]
    assert all(later > earlier for earlier, later in pairwise(shown))
    assert shown[-1] == pytest.approx(min(203, brightest), rel=1e-6)
    assert roll_off(2 * brightest, brightest) == pytest.approx(203, rel=0.5)
    assert all(there <= light * (1 + 1e-6) for light, there in zip(lights, shown, strict=True))


@pytest.mark.parametrize("hdr", [Hdr(PQ), Hdr(PQ, 12, 4000), Hdr(PQ, 1), Hdr(HLG)])
def test_grey_stays_grey(hdr: Hdr) -> None:
    for step in STEPS:
        red, green, blue = tone_map((step, step, step), hdr)
        assert max(red, green, blue) - min(red, green, blue) < 1e-4


def direction(light: Triple) -> tuple[float, float]:
    """Return where a linear colour lies from its own grey, on BT.709's axes: the hue, whatever the saturation."""
    luma = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
    return light[0] - luma, light[2] - luma


@pytest.mark.parametrize("hdr", [Hdr(PQ, 1), Hdr(PQ, 1, 600)])
def test_no_hue_turns_and_colours_of_bt709_keep_their_ratio(hdr: Hdr) -> None:
    for signal in product(STEPS, STEPS, STEPS):
        shown = [value**2.4 for value in tone_map(signal, hdr)]
        light = [pq_light(value) for value in signal]
        for one, other in product(range(3), repeat=2):
            assert shown[one] * light[other] == pytest.approx(shown[other] * light[one], rel=1e-6, abs=1e-9)


def test_colours_outside_bt709_keep_their_hue() -> None:
    rows = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))  # BT.2407, annex 1
    for signal in product(STEPS, STEPS, STEPS):
        light = [pq_light(value) for value in signal]
        wanted = direction(
            (
                sum(a * b for a, b in zip(rows[0], light, strict=True)),
                sum(a * b for a, b in zip(rows[1], light, strict=True)),
                sum(a * b for a, b in zip(rows[2], light, strict=True)),
            )
        )
        red, green, blue = (value**2.4 for value in tone_map(signal, Hdr(PQ)))
        shown = direction((red, green, blue))
        if math.hypot(*wanted) > 0.02 * max(light) and math.hypot(*shown) > 1e-6:
            turn = math.atan2(wanted[1], wanted[0]) - math.atan2(shown[1], shown[0])
            assert abs(math.remainder(turn, math.tau)) < math.radians(1), signal


def test_nothing_leaves_the_range_and_red_comes_first() -> None:
    table = list(Hdr(PQ).table(5))
    assert len(table) == 125
    assert all(0 <= value <= 1 for colour in table for value in colour)
    assert table[2] == tone_map((0.5, 0, 0), Hdr(PQ))
    assert table[10] == tone_map((0, 0.5, 0), Hdr(PQ))
    assert table[50] == tone_map((0, 0, 0.5), Hdr(PQ))


@pytest.mark.parametrize("light", [-1.0, -2.0, 0.0])
def test_light_below_zero_is_black(light: float) -> None:
    assert light_709((light, light, light), 1) == (0, 0, 0)
