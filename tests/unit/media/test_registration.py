"""A picture that is moved, stretched or flipped is told from one that is coded coarsely; FFmpeg's filters move it."""

from __future__ import annotations

import re
from fractions import Fraction

import av
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


@pytest.fixture(scope="module")
def film() -> VideoFrame:
    """Soft shapes without order, as natural pictures have them."""
    noise = "nullsrc=s=426x240,geq=lum='random(1)*255':cb=128:cr=128,gblur=sigma=6,normalize,format=yuv420p"
    return picture(noise)


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
}
"""By pixels to the right and down, and per cent of width and height."""


@pytest.mark.parametrize("wanted", DEEDS)
def test_what_lies_elsewhere_is_named(wanted: tuple[int, int, int, int], film: VideoFrame) -> None:
    found = misplaced(filtered(film, *DEEDS[wanted]), film)
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
