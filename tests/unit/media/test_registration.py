"""A picture that is moved, stretched or flipped is told from one that is coded coarsely; FFmpeg's filters move it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from streamify.media.registration import misplaced
from streamify.media.video.scaling import Chain

SIZE = 426, 240


def picture(source: str) -> VideoFrame:
    """Return a picture that FFmpeg draws."""
    with av.open(source, format="lavfi") as container:
        frame = next(container.decode(video=0))
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame.reformat(format="yuv420p")


@pytest.fixture(scope="module", params=[1, 2, 3])
def film(request: pytest.FixtureRequest) -> VideoFrame:
    return shapes(request.param)


def shapes(seed: int) -> VideoFrame:
    """Return soft shapes of all sizes without order, as natural pictures have them; the same on any number of cores."""
    width, height = SIZE
    noise = np.random.default_rng(seed).standard_normal((height, width))
    fineness = np.maximum(np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)), 3 / width)
    soft = np.fft.irfft2(np.fft.rfft2(noise) / fineness**1.5, s=noise.shape)
    luma = np.clip(125 + 45 * soft / soft.std(), 16, 235).astype(np.uint8)
    frame = VideoFrame.from_ndarray(np.vstack([luma, np.full((height // 2, width), 128, np.uint8)]), format="yuv420p")
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame


def filtered(frame: VideoFrame, *filters: str) -> VideoFrame:
    return Chain([*filters, "format=yuv420p"], None)(frame)


DEEDS = {
    (-8, 0, 100, 100): ["crop=418:240:8:0", "pad=426:240:0:0"],
    (0, 6, 100, 100): ["crop=426:234:0:0", "pad=426:240:0:6"],
    (0, 0, 110, 100): ["crop=388:240:19:0", "scale=426:240"],
    (0, 0, 100, 109): ["crop=426:220:0:10", "scale=426:240"],
    (0, 0, 91, 100): ["scale=388:240", "pad=426:240:19:0"],
    (0, 0, 75, 100): ["scale=320:240", "pad=426:240:53:0"],
    (0, 0, 100, 91): ["scale=426:218", "pad=426:240:0:11"],
    (0, 0, 100, 75): ["scale=426:180", "pad=426:240:0:30"],
    (0, 0, 133, 100): ["crop=320:240:53:0", "scale=426:240"],
    (0, 0, 100, 133): ["crop=426:180:0:30", "scale=426:240"],
}
"""By pixels to the right and down, and per cent of width and height."""
SQUEEZED = {
    (0, 0, 75, 100): (4, 10, 12, 22, 23),
    (0, 0, 100, 75): (13,),
}
"""Of 24 pictures those of which the search finds the way only from where such a picture lies."""


@pytest.mark.parametrize("wanted", DEEDS)
def test_what_lies_elsewhere_is_named(wanted: tuple[int, int, int, int], film: VideoFrame) -> None:
    found = misplaced(filtered(film, *DEEDS[wanted]), film)
    assert found is not None
    numbers = [int(one) for one in re.findall(r"-?\d+", found)]
    assert all(abs(one - two) <= 1 for one, two in zip(numbers, wanted, strict=True)), found


@pytest.mark.parametrize(("wanted", "seed"), [(deed, seed) for deed, seeds in SQUEEZED.items() for seed in seeds])
def test_what_is_squeezed_to_three_quarters_is_named(wanted: tuple[int, int, int, int], seed: int) -> None:
    shown = shapes(seed)
    found = misplaced(filtered(shown, *DEEDS[wanted]), shown)
    assert found is not None
    numbers = [int(one) for one in re.findall(r"-?\d+", found)]
    assert all(abs(one - two) <= 1 for one, two in zip(numbers, wanted, strict=True)), found


@pytest.mark.parametrize(
    ("deed", "what"),
    [(["hflip"], "mirrored"), (["vflip"], "upside down"), (["hflip", "vflip"], "turned by 180 degrees")],
)
def test_what_is_flipped_is_named(deed: list[str], what: str, film: VideoFrame) -> None:
    assert misplaced(filtered(film, *deed), film) == what


@pytest.mark.parametrize(
    "deed",
    [
        ["copy"],
        ["noise=alls=40:all_seed=1"],
        ["gblur=sigma=3"],
        ["scale=107:60", "scale=426:240:flags=neighbor"],
        ["lutyuv=y=val*0.8+30"],
        ["crop=424:240:2:0", "pad=426:240:0:0"],  # as much as sizes are rounded
    ],
    ids=str,
)
def test_what_is_only_coarse_is_not(deed: list[str], film: VideoFrame) -> None:
    assert misplaced(filtered(film, *deed), film) is None


@pytest.mark.parametrize(
    "flat", ["color=gray:s=426x240", "gradients=s=426x240:c0=black:c1=white:x0=0:y0=0:x1=425:y1=0"]
)
def test_pictures_without_shapes_say_nothing(flat: str) -> None:
    shown = picture(flat)
    assert misplaced(filtered(shown, "noise=alls=20:all_seed=1"), shown) is None


def boxes(size: tuple[int, int], level: int, *shapes: tuple[int, int, int, int, int]) -> VideoFrame:
    """Return a picture of boxes, each given by left, top, width, height and level."""
    width, height = size
    luma = np.full((height * 3 // 2, width), 128, np.uint8)
    luma[:height] = level
    for left, top, wide, high, bright in shapes:
        luma[top : min(top + high, height), left : left + wide] = bright
    frame = VideoFrame.from_ndarray(luma, format="yuv420p")
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame


FEW = (426, 240), 72, (179, 189, 17, 51, 135), (5, 80, 68, 76, 34), (363, 68, 63, 13, 207), (55, 10, 11, 97, 66)
THIN = (640, 40), 103, (188, 3, 174, 11, 120), (210, 2, 174, 14, 175)
LOW = (640, 90), 55, (255, 60, 124, 30, 55), (256, 40, 125, 27, 143), (550, 45, 22, 18, 167)
TWO = (320, 64), 74, (1, 19, 142, 28, 166), (171, 18, 49, 31, 109)
FOUR = (426, 240), 134, (73, 147, 148, 18, 123), (376, 1, 50, 5, 194), (17, 146, 44, 29, 99), (148, 9, 110, 93, 45)
COARSE = ["scale=26:15:flags=area", "scale=426:240:flags=neighbor", "lutyuv=y=round(val/40)*40"]


@pytest.mark.parametrize(
    ("shown", "deed"),
    [
        (FEW, COARSE),
        (THIN, ["gblur=sigma=4"]),
        (THIN, ["drawbox=x=377:y=9:w=48:h=48:color=0x5e5e5e:t=fill"]),
        (LOW, ["gblur=sigma=6"]),
        (TWO, ["scale=20:4:flags=area", "scale=320:64:flags=neighbor"]),
        (FOUR, ["drawbox=x=106:y=0:w=142:h=80:color=0x222222:t=fill"]),
    ],
)
def test_few_shapes_coded_badly_do_not_lie_elsewhere(shown: tuple[Any, ...], deed: list[str]) -> None:
    """A few edges that coding moved are not a picture that was moved: too much of the error is left.

    Nor is what was drawn over some of them: what lies beside it is less alike where the picture is moved.
    """
    wanted = boxes(*shown)
    assert misplaced(filtered(wanted, *deed), wanted) is None


@pytest.mark.parametrize(
    ("deed", "wanted"),
    [
        (["crop=640:80:0:5", "scale=640:90"], (0, 0, 100, 112)),
        (["crop=640:84:0:6", "pad=640:90:0:0"], (0, -6, 100, 100)),
    ],
)
def test_thin_pictures_are_put_back_by_their_own_height(deed: list[str], wanted: tuple[int, ...]) -> None:
    drawn = [(40 * n, 7 * n % 61, 30 + n, 12 + n, 60 + 37 * n % 140) for n in range(15)]
    shown = filtered(boxes((640, 90), 40, *drawn), "gblur=sigma=4")
    found = misplaced(filtered(shown, *deed), shown)
    assert found is not None
    numbers = [int(one) for one in re.findall(r"-?\d+", found)]
    assert all(abs(one - two) <= 1 for one, two in zip(numbers, wanted, strict=True)), found
