"""When the first picture of a source is shown, by its container alone: no plan, no index of ours, no scan."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from statistics import median
from typing import BinaryIO

from streamify.media.source.beginning import read_beginning
from streamify.media.source.linear import decode_all, decode_parts
from streamify.media.source.opening import open_media
from streamify.media.source.witness import parse_source
from streamify.model.source import VideoFacts
from streamify.mp4.boxes import BoxError

SETTLED = 48
"""First pictures that tell it at a constant rate: FFmpeg's times of some sources settle only behind the first ones."""


def first_shown(open_source: Callable[[], BinaryIO], size: int, video: VideoFacts) -> Fraction | None:
    """Return when the first picture that decodes is shown beside the sound, seconds on the source's clock.

    Args:
        open_source: Opens the source.
        size: Its bytes.
        video: Which stream, at which rate, and the parts of its edit list.
    """
    if video.edits:
        seen = next(decode_parts(open_source, video.stream, video.edits, video.time_base), None)
        return None if seen is None else seen.time
    times = [one.time for one in islice(decode_all(open_source, video.stream), SETTLED)]
    if not times or times[0] is None:
        return None
    first = times[0]
    if video.rate is not None:
        starts = [time - number / video.rate for number, time in enumerate(times) if time is not None]
        settled = median(starts)
        first = settled if abs(settled - first) * video.rate > 1 / Fraction(2) else first
    return first + _later(open_source, size, video.stream)


def _later(open_source: Callable[[], BinaryIO], size: int, stream: int) -> Fraction:
    """Return by how many seconds later than FFmpeg an MP4's edit list shows its pictures (ISO/IEC 14496-12, 8.6.6)."""
    with open_source() as file, open_media(file) as container:
        beginning = read_beginning(container, stream)
    if beginning.witness is None:
        return Fraction(0)
    with open_source() as file:
        try:
            index = parse_source(file, size, beginning.witness)
        except BoxError:
            return Fraction(0)  # FFmpeg's reading counts
    return Fraction(index.edit.late, index.timescale) if index is not None else Fraction(0)
