"""Colour bars keep their colours: within 2 code values for every matrix, range, depth and subsampling.

What is right is worked out here: R'G'B' to Y'CbCr by ITU-T H.273, and back by the tags of the renditions; BT.2020 to
BT.709 by the formulas of both and the matrix of BT.2087.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import product

import av
import numpy as np
import pytest

from streamify.media.pq import pq_signal
from streamify.media.video.decode import Picture
from streamify.media.video.picture import Renditions, output_colour
from streamify.model.recipe import VideoRecipe
from streamify.model.source import Colour, VideoFacts
from streamify.model.track import VideoTrack
from unit.media.test_hdr import bt2390

Triple = tuple[float, float, float]
WEIGHTS = {
    1: (0.2126, 0.0722),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
}
"""Of red and blue in luma, by matrix."""
BARS: list[Triple] = [(0.75 * red, 0.75 * green, 0.75 * blue) for red, green, blue in product((0, 1), repeat=3)]
BARS += [(1, 1, 1), (0.5, 0.5, 0.5)]
FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")
SIZE = 64
HLG = 100
HLG_ICTCP = 14 + HLG
"""ICtCp has another matrix with HLG."""


def coded(rgb: Triple, matrix: int) -> Triple:
    """Return Y' in 0 to 1, Cb and Cr in -0.5 to 0.5."""
    if matrix == 8:
        sides = (rgb[0] + rgb[2]) / 4
        return rgb[1] / 2 + sides, rgb[1] / 2 - sides, (rgb[0] - rgb[2]) / 2
    if matrix == 14:
        return ictcp(rgb)
    if matrix == HLG_ICTCP:
        return hlg_ictcp(rgb)
    red, blue = WEIGHTS[matrix]
    luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
    return luma, (rgb[2] - luma) / (2 * (1 - blue)), (rgb[0] - luma) / (2 * (1 - red))


def codes(rgb: Triple, matrix: int, bits: int, *, full: bool) -> tuple[float, ...]:
    luma, *chroma = coded(rgb, matrix)
    if full:
        most = 2**bits - 1
        return (luma * most, *(one * most + 2 ** (bits - 1) for one in chroma))
    step = 2 ** (bits - 8)
    return ((16 + 219 * luma) * step, *((128 + 224 * one) * step for one in chroma))


def flat(rgb: Triple, pixels: str, matrix: int, *, full: bool) -> av.VideoFrame:
    if pixels in ("rgb24", "gbrp", "bgra"):
        data = np.zeros((SIZE, SIZE, 3), np.uint8)
        data[:] = [round(one * 255) for one in rgb]
        return av.VideoFrame.from_ndarray(data, format="rgb24").reformat(format=pixels)
    frame = av.VideoFrame(SIZE, SIZE, pixels)
    bits = 10 if "10" in pixels else 8
    kind: type[np.uint8] | type[np.uint16] = np.uint16 if bits > 8 else np.uint8
    for plane, code in zip(frame.planes, codes(rgb, matrix, bits, full=full), strict=True):
        plane.update(
            np.full(plane.buffer_size // np.dtype(kind).itemsize, min(round(code), 2**bits - 1), kind).tobytes()
        )
    frame.colorspace, frame.color_range = matrix % HLG, 2 if full else 1
    return frame


@lru_cache(maxsize=1)
def renditions(pixels: str, colour: Colour) -> tuple[Renditions, Colour]:
    """Return what makes a rendition, and its tags; kept for the bars of one test, for a table takes time."""
    facts = VideoFacts.model_validate({
        "stream": 0, "codec": "ffv1", "width": SIZE, "height": SIZE, "sample_aspect": 1, "pixel_format": pixels,
        "time_base": "1/25", "frames": 1, "first": 0, "end": 1, "rate": 25, "average_rate": 25, "colour": colour,
    })  # fmt: skip
    recipe = VideoRecipe(
        codec="h264",
        width=32,
        height=32,
        frame_rate=Fraction(25),
        crf=1,
        maxrate=1,
        bufsize=1,
        preset="medium",
        bframes=0,
    )
    return Renditions(facts, [VideoTrack(id="bars", recipe=recipe, timescale=25)]), output_colour(facts)


def shown(rgb: Triple, pixels: str, colour: Colour, matrix: int) -> tuple[list[int], Colour]:
    """Return the codes in the middle of a rendition, and its tags."""
    maker, tags = renditions(pixels, colour)
    frame = flat(rgb, pixels, matrix, full=colour.full_range)
    if colour.matrix:  # as decoders tag pictures
        frame.color_primaries, frame.color_trc, frame.colorspace = colour.primaries, colour.transfer, colour.matrix
    (made,) = maker.make(Picture(0, frame))
    middle = [bytes(plane)[plane.line_size * (plane.height // 2) + plane.width // 2] for plane in made.planes]
    return middle, tags


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize(
    ("primaries", "matrix"), [(1, 1), (4, 4), (5, 5), (6, 6), (7, 7), (1, 6), (6, 1), (2, 1), (2, 2)]
)
def test_bars_of_every_matrix_and_range(primaries: int, matrix: int, pixels: str, full: bool) -> None:
    known = matrix if matrix != 2 else 6  # what players assume at this size
    colour = Colour(primaries=primaries, transfer=1, matrix=matrix, full_range=full)
    for rgb in BARS:
        found, tags = shown(rgb, pixels, colour, known)
        assert tags.matrix == known
        assert tags.primaries == (primaries if primaries != 2 else 6)
        assert found == pytest.approx(codes(rgb, tags.matrix, 8, full=False), abs=2), rgb


@pytest.mark.parametrize("pixels", ["rgb24", "gbrp", "bgra"])
@pytest.mark.parametrize("primaries", [1, 5, 6, 2])
def test_bars_of_rgb(primaries: int, pixels: str) -> None:
    for rgb in BARS:
        found, tags = shown(rgb, pixels, Colour(primaries=primaries, transfer=1, matrix=0, full_range=True), 1)
        assert (tags.matrix, tags.primaries) == (1, primaries if primaries != 2 else 1)
        assert found == pytest.approx(codes(rgb, 1, 8, full=False), abs=2), rgb


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("primaries", [1, 2])
def test_bars_of_ycgco(primaries: int, pixels: str, full: bool) -> None:
    """Y = R/4 + G/2 + B/4, Cg = -R/4 + G/2 - B/4, Co = R/2 - B/2 (H.273): lossless recordings of screens have it."""
    for rgb in BARS:
        found, tags = shown(rgb, pixels, Colour(primaries=primaries, transfer=1, matrix=8, full_range=full), 8)
        assert (tags.primaries, tags.transfer, tags.matrix) == (1, 1, 1)
        assert found == pytest.approx(codes(rgb, 1, 8, full=False), abs=2), rgb


def ictcp(light: Triple) -> Triple:
    """Return I, Ct and Cp (BT.2100, table 7) of light in the primaries of BT.2020, cd/m2."""
    rows = ((1688, 2146, 262), (683, 2951, 462), (99, 309, 3688))
    first, second, third = (pq_signal(sum(a * b for a, b in zip(row, light, strict=True)) / 4096) for row in rows)
    return (
        (first + second) / 2,
        (6610 * first - 13613 * second + 7003 * third) / 4096,
        (17933 * first - 17390 * second - 543 * third) / 4096,
    )


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
def test_ictcp_is_shown_like_the_same_light_in_ycbcr(full: bool) -> None:
    """What PQ becomes is judged elsewhere; blue of BT.2020, far outside of BT.709, lies between points of a table."""
    lights = [(one, one, one) for one in (0.0, 1.0, 50.0, 203.0, 1000.0)]
    lights += [(80.0, 40.0, 30.0), (30.0, 60.0, 30.0), (20.0, 30.0, 60.0), (200.0, 10.0, 10.0), (10.0, 200.0, 10.0)]
    for light in lights:
        red, green, blue = (pq_signal(one) for one in light)
        wanted, tags = shown((red, green, blue), "yuv420p10le", Colour(primaries=9, transfer=16, matrix=9), 9)
        colour = Colour(primaries=9, transfer=16, matrix=14, full_range=full)
        found, same = shown(light, "yuv420p10le", colour, 14)
        assert same == tags
        assert found == pytest.approx(wanted, abs=2), light


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("peak", [180, 203, 250])
def test_white_of_ictcp_where_the_highlights_are_hardly_brighter(peak: int, full: bool) -> None:
    colour = Colour(primaries=9, transfer=16, matrix=14, full_range=full, peak=peak)
    for light in (50.0, 150.0, 180.0, 203.0):
        found, _ = shown((light, light, light), "yuv420p10le", colour, 14)
        assert found == pytest.approx([bt2390(light, peak), 128, 128], abs=2), light


def oetf(light: float) -> float:
    """Return the HLG signal of light of the scene (BT.2100, table 5)."""
    return float(np.sqrt(3 * light) if light <= 1 / 12 else 0.17883277 * np.log(12 * light - 0.28466892) + 0.55991073)


def hlg_ictcp(light: Triple) -> Triple:
    """Return I, Ct and Cp (BT.2100, table 7) of light of the scene in the primaries of BT.2020, 0 to 1."""
    rows = ((1688, 2146, 262), (683, 2951, 462), (99, 309, 3688))
    first, second, third = (oetf(sum(a * b for a, b in zip(row, light, strict=True)) / 4096) for row in rows)
    return (
        (first + second) / 2,
        (3625 * first - 7465 * second + 3840 * third) / 4096,
        (9500 * first - 9212 * second - 288 * third) / 4096,
    )


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
def test_ictcp_of_hlg_is_shown_like_the_same_light_in_ycbcr(full: bool) -> None:
    lights = [(one, one, one) for one in (0.0, 0.001, 0.05, 0.265, 1.0)]
    lights += [(0.12, 0.06, 0.05), (0.05, 0.09, 0.05), (0.03, 0.05, 0.1), (0.25, 0.1, 0.1), (0.13, 0.2, 0.12)]
    for light in lights:
        red, green, blue = map(oetf, light)
        wanted, tags = shown((red, green, blue), "yuv420p10le", Colour(primaries=9, transfer=18, matrix=9), 9)
        colour = Colour(primaries=9, transfer=18, matrix=14, full_range=full)
        found, same = shown(light, "yuv420p10le", colour, HLG_ICTCP)
        assert same == tags
        assert found == pytest.approx(wanted, abs=2), light


ROWS = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
"""Linear light of BT.2020 to BT.709 (BT.2407, annex 1)."""


def clipped(rgb: Triple) -> Triple:
    """Return the BT.709 signal of one of BT.2020: to light by the inverse of BT.709's curve, matrix, clip, and back.

    For 75 % blue: ((0.75 + 0.099) / 1.099)^(1/0.45) = 0.5636 of light; red -0.0410 and green -0.0047 become 0, blue
    1.1187 * 0.5636 = 0.6305, and its signal 1.099 * 0.6305^0.45 - 0.099 = 0.7939. Y' = 0.0722 * 0.7939 = 0.0573: 29;
    Cb = (0.7939 - 0.0573) / 1.8556 = 0.397: 217; Cr = -0.0573 / 1.5748 = -0.0364: 120.
    """
    light = [one / 4.5 if one < 0.081 else ((one + 0.099) / 1.099) ** (1 / 0.45) for one in rgb]
    shown = [min(1.0, max(0.0, sum(a * b for a, b in zip(row, light, strict=True)))) for row in ROWS]
    red, green, blue = (4.5 * one if one < 0.018 else 1.099 * one**0.45 - 0.099 for one in shown)
    return red, green, blue


FULL_BARS: list[Triple] = [(float(red), float(green), float(blue)) for red, green, blue in product((0, 1), repeat=3)]
SKIN: list[Triple] = [(0.7, 0.55, 0.45), (0.35, 0.4, 0.6), (0.3, 0.5, 0.25)]
"""Within BT.709, between the points of a table."""


def test_blue_of_bt2020_is_that_of_the_hand_calculation() -> None:
    assert [round(one) for one in codes(clipped((0, 0, 0.75)), 1, 8, full=False)] == [29, 217, 120]
    found, _ = shown((0, 0, 0.75), "yuv420p10le", Colour(primaries=9, transfer=14, matrix=9), 9)
    assert found == pytest.approx([29, 217, 120], abs=1)


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize(
    ("primaries", "transfer", "matrix"), [(9, 14, 9), (9, 15, 10), (9, 1, 9), (9, 2, 2), (2, 1, 9), (9, 1, 1)]
)
def test_bars_of_bt2020(primaries: int, transfer: int, matrix: int, pixels: str, full: bool) -> None:
    colour = Colour(primaries=primaries, transfer=transfer, matrix=matrix, full_range=full)
    for rgb in [*BARS, *FULL_BARS, *SKIN]:
        found, tags = shown(rgb, pixels, colour, matrix if matrix != 2 else 9)
        assert tags == Colour(primaries=1, transfer=1, matrix=1)
        assert found == pytest.approx(codes(clipped(rgb), 1, 8, full=False), abs=2), rgb


@pytest.mark.parametrize("pixels", ["rgb24", "gbrp"])
def test_bars_of_rgb_with_the_primaries_of_bt2020(pixels: str) -> None:
    for full in (True, False):
        for rgb in BARS:
            found, tags = shown(rgb, pixels, Colour(primaries=9, transfer=1, matrix=0, full_range=full), 1)
            assert tags == Colour(primaries=1, transfer=1, matrix=1)
            assert found == pytest.approx(codes(clipped(rgb), 1, 8, full=False), abs=2), rgb


def test_bars_of_the_matrix_of_bt2020_with_primaries_of_bt709_keep_their_colours() -> None:
    for rgb in BARS:
        found, _ = shown(rgb, "yuv420p10le", Colour(primaries=1, transfer=1, matrix=9), 9)
        assert found == pytest.approx(codes(rgb, 1, 8, full=False), abs=2), rgb


@pytest.mark.parametrize(("primaries", "matrix"), [(11, 1), (12, 1), (12, 6)])
def test_bars_of_p3_keep_their_tags(primaries: int, matrix: int) -> None:
    for rgb in BARS:
        found, tags = shown(rgb, "yuv420p10le", Colour(primaries=primaries, transfer=1, matrix=matrix), matrix)
        assert (tags.primaries, tags.matrix) == (primaries, matrix)
        assert found == pytest.approx(codes(rgb, matrix, 8, full=False), abs=2), rgb
