"""Does a picture show two moments, one in the odd lines and one in the even ones? Judged by its lines alone."""

from __future__ import annotations

from operator import sub

from av.video.frame import VideoFrame

from streamify.media.planes import luma_first

COLUMNS = 64
"""That are looked at, spread over the picture."""
CONTRAST = 12
"""Steps of luma between neighbouring lines that count."""
LEAST = 0.003
"""Share of places where lines alternate that is no accident."""
OFTENER = 4
"""Times that lines of both fields must alternate oftener than those of one: grain and fine patterns do so in both."""


def combed(frame: VideoFrame) -> bool:
    """Return whether lines of two fields alternate where those of one field do not."""
    plane = luma_first(frame).planes[0]
    data, width, height, line = bytes(plane), plane.width, plane.height, plane.line_size
    both = one = places = 0
    for column in range(width // (2 * COLUMNS), width, max(1, width // COLUMNS)):
        luma = data[column : line * height : line]
        places += len(luma)
        both += _alternating(luma)
        one += _alternating(luma[::2]) + _alternating(luma[1::2])
    return both > LEAST * places and both > OFTENER * one


def _alternating(luma: bytes) -> int:
    """Return in how many places three steps in a row go up and down in turn."""
    steps = list(map(sub, luma, luma[1:]))
    return sum(
        (a > CONTRAST and b < -CONTRAST and c > CONTRAST) or (a < -CONTRAST and b > CONTRAST and c < -CONTRAST)
        for a, b, c in zip(steps, steps[1:], steps[2:], strict=False)
    )
