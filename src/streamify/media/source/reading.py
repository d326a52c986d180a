"""Drawing packets from a container, also from those whose streams are not all known at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

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
