"""How many pictures of a part of an indexed film are coded: by FFmpeg's index, and what it demuxes at both borders."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import BinaryIO, cast

from av.container import InputContainer
from av.video.stream import VideoStream

from streamify.media.source.opening import open_media
from streamify.media.source.reading import read_packets, seek_to

BACK = 12
"""Seeks at most, each to a keyframe earlier than the one before, to reach one that is shown at or before a time."""


def count_coded(open_source: Callable[[], BinaryIO], stream: int, start: int, end: int) -> int:
    """Return how many pictures are shown in ``[start, end)``, by another way than our own reading of the index.

    FFmpeg's index says how many packets lie in front of a keyframe, in the order of decoding; between the keyframe and
    the border, packets are demuxed and their presentation times read. So no more is read than two groups of pictures.

    Args:
        open_source: Opens the source.
        stream: Index of the video stream.
        start: Presentation time, source ticks.
        end: Likewise.
    """
    with open_source() as file, open_media(file) as container:
        video = cast("VideoStream", container.streams[stream])
        before, until = (_before(container, video, border) for border in (start, end))
        if before is not None and until is not None:
            return until - before
    with open_source() as file, open_media(file) as container:
        video = cast("VideoStream", container.streams[stream])
        packets = read_packets(container, video)
        return sum(one.pts is not None and start <= one.pts < end for one in packets if one.size)


def _before(container: InputContainer, stream: VideoStream, border: int) -> int | None:
    """Return how many packets are shown before a time, those of a part that is hidden in front of the film included."""
    entries = stream.index_entries
    sought = border
    for _ in range(BACK):
        if not len(entries) or not seek_to(container, sought, stream):
            return None
        count, number = 0, None
        for packet in read_packets(container, stream):
            if not packet.size:
                continue
            if packet.pts is None or packet.dts is None:
                return None
            if number is None:
                if packet.pts > border and packet.dts > entries[0].timestamp:
                    sought = packet.dts - 1
                    break
                number = bisect_left(entries, packet.dts, key=lambda one: one.timestamp)
                if number == len(entries) or entries[number].timestamp != packet.dts:
                    return None
            if packet.dts >= border:
                break
            count += packet.pts < border
        if number is not None:
            return number + count
    return None
