"""Drawing packets from a container, also from those whose streams are not all known at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

S = TypeVar("S", bound=Stream)

LATE_STREAMS = 1000
"""Packets of streams that appear after the container was opened (FLV, MPEG-TS) and are passed over."""


def read_packets(container: InputContainer, stream: S) -> Iterator[Packet[S]]:
    """Yield the packets of a stream from where the container stands, the empty one at the end included.

    PyAV raises IndexError for a packet of a stream that appeared after opening; the next read goes on behind it.
    """
    for _ in range(LATE_STREAMS):
        try:
            yield from cast("Iterator[Packet[S]]", container.demux(stream))
        except IndexError:
            continue
        return


def seek_to(container: InputContainer, ticks: int, stream: Stream) -> bool:
    """Seek to the keyframe at or before a time of a stream; return whether FFmpeg could.

    Demuxers refuse with errors of all kinds, EPERM among them, where an index is missing or damaged.
    """
    try:
        container.seek(ticks, stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def rewind(container: InputContainer) -> bool:
    """Seek to the start; return whether FFmpeg could."""
    try:
        container.seek(0)
    except av.error.FFmpegError:
        return False
    return True
