"""How much of a picture is screen content: text, lines and the edges of windows before areas of one shade."""

from __future__ import annotations

from operator import sub

from av.video.frame import VideoFrame

from streamify.media.planes import luma_first, packed
from streamify.model.source import PictureSeen

BLOCK = 16
"""Pixels along each side of the parts of a picture that are judged one by one."""
COLUMNS, ROWS = 32, 18
"""Blocks that are looked at, evenly over the picture: all of them would take ten times as long."""
CONTRAST = 64
"""Steps of luma from the darkest to the brightest pixel from which a block has an edge."""
PLAIN = BLOCK * BLOCK // 2
"""Pixels of a block with an edge that are of one shade in text: what it is written on."""
SHADE = 4
"""Steps of luma that count as one shade: encoded sources have noise around edges."""


def look_for_screen(frame: VideoFrame) -> PictureSeen:
    """Return how many blocks of a picture have an edge, and how many of those look like text."""
    width, height = frame.width, frame.height
    if min(width, height) < BLOCK:
        return PictureSeen(edges=0, plain=0)
    luma = packed(luma_first(frame).planes[0])
    edges = plain = count = 0
    for top in _spread(height // BLOCK, ROWS):
        for left in _spread(width // BLOCK, COLUMNS):
            begin = (top * width + left) * BLOCK
            block = b"".join([luma[at : at + BLOCK] for at in range(begin, begin + BLOCK * width, width)])
            count += 1
            if max(block) - min(block) >= CONTRAST:
                edges += 1
                plain += _is_plain(sorted(block))
    return PictureSeen(edges=1000 * edges // count, plain=1000 * plain // count)


def _is_plain(shades: list[int]) -> bool:
    """Return whether the closest of so many pixels are of one shade; of all of a block, in order."""
    spread: int = min(map(sub, shades[PLAIN - 1 :], shades))
    return spread <= SHADE


def _spread(count: int, most: int) -> list[int]:
    """Return numbers of `count`, evenly, and no more than `most`."""
    return [number * count // min(count, most) for number in range(min(count, most))]
