"""What was found out about a film, as far as it concerns a part of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

from streamify.media.source.counting import count_coded
from streamify.media.source.video_index import VideoIndex


def part_of(index: VideoIndex, first: int, stop: int, end: int) -> VideoIndex:
    """Return the index of pictures `first` to `stop`, exclusive, which end at the source tick `end`."""
    pts = array("q", (index.pts[number] for number in range(first, stop)))
    return replace(index, pts=pts, end=end, until=None if stop == len(index.pts) else end)


def count_part(
    open_source: Callable[[], BinaryIO], stream: int, index: VideoIndex, part: VideoIndex
) -> tuple[int, int]:
    """Return how many pictures of a part are coded, and how many of these are left out, as the notes say.

    Args:
        open_source: Opens the source.
        stream: Index of the video stream.
        index: Of the film.
        part: Of the part.
    """
    if not index.coded:
        return 0, 0
    start, end = part.pts[0], part.end
    if index.count is not None:
        return index.count(start, end)
    return count_coded(open_source, stream, start, end), index.doubles(start, end) if index.left_out else 0
