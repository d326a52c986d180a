"""When the first picture of a source is shown, by its container alone: no plan, no index of ours, no scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from statistics import median
from typing import BinaryIO, cast

from streamify.media.source.linear import decode_all, decode_parts
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import read_packets
from streamify.media.source.told import told_parts, told_start
from streamify.model.source import VideoFacts
from streamify.mp4.told_edits import ToldEdits

SETTLED = 48
"""First pictures that tell it at a constant rate: FFmpeg's times of some sources settle only behind the first ones."""
SET = Fraction(1, 2)
"""Seconds between two pictures' places on the clock from which on it was set; at low rates `UNSETTLED` pictures."""
UNSETTLED = 4
"""Pictures by which FFmpeg's first times may differ before they settle."""


def first_shown(open_source: Callable[[], BinaryIO], video: VideoFacts, told: ToldEdits | None) -> Fraction | None:
    """Return when the first picture that decodes is shown beside the sound, seconds on the source's clock.

    Args:
        open_source: Opens the source.
        video: Which stream, at which rate.
        told: Its edit list; ``None``: FFmpeg's reading of it counts.
    """
    parts = told_parts(told)
    if parts:
        seen = next(decode_parts(open_source, video.stream, parts, video.time_base), None)
        return None if seen is None else seen.time
    once = (one.time for one in decode_all(open_source, video.stream) if not one.again)
    times = list(islice(once, SETTLED))
    if not times or times[0] is None:
        return None
    first = times[0]
    if video.rate is not None:
        starts = list(
            _as_one(
                [time - number / video.rate for number, time in enumerate(times) if time is not None],
                max(SET, UNSETTLED / video.rate),
            )
        )
        settled = median(starts)
        first = settled if abs(settled - first) * video.rate > 1 / Fraction(2) else first
    return first + _later(open_source, video.stream, told)


def _as_one(starts: Sequence[Fraction], limit: Fraction) -> Iterator[Fraction]:
    """Yield starts up to where the clock is set anew, which may be among the first pictures."""
    yield starts[0]
    for before, start in pairwise(starts):
        if abs(start - before) > limit:
            return
        yield start


def _later(open_source: Callable[[], BinaryIO], stream: int, told: ToldEdits | None) -> Fraction:
    """Return by how many seconds later than FFmpeg an MP4's edit list shows its pictures (ISO/IEC 14496-12, 8.6.6)."""
    start = told_start(told)
    if start is None:
        return Fraction(0)
    with open_source() as file, open_media(file) as container:
        video = container.streams[stream]
        keep_only(container, video)
        shown = (one for one in read_packets(container, video) if one.pts is not None and not one.is_discard)
        times = [cast("int", one.pts) for one in islice(shown, SETTLED)]
        base = cast("Fraction", video.time_base)
    return start - min(times) * base if times else Fraction(0)
