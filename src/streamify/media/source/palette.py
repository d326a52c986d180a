"""The palette of indexed pictures, which FFmpeg gives with the first packet of a container and where it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, TypeVar, cast

from av.packet import Packet, PacketSideData
from av.video.stream import VideoStream

from streamify.media.source.opening import open_media
from streamify.media.source.reading import read_packets

P = TypeVar("P", "Packet[VideoStream]", "Packet[VideoStream] | None")

INDEXED = "pal8"
KIND: Final = "palette"
"""FFmpeg's names of the pixel format and of the side data."""
CHANGING: Final = "avi"
"""The container whose palette can change midway (``xxpc`` chunks, which a seek passes over)."""


def read_palette(file: BinaryIO, stream: int) -> PacketSideData | None:
    """Return the palette that comes with the first packet of a stream of a source; ``None``: its bitstream has it."""
    with open_media(file) as container:
        video = cast("VideoStream", container.streams[stream])
        first = next((packet for packet in read_packets(container, video) if packet.size), None)
        return first.get_sidedata(KIND) if first is not None and first.has_sidedata(KIND) else None


class Palettes:
    """Looks at the packets of a stream for a palette that changes."""

    def __init__(self) -> None:
        self._first: bytes | None = None
        self.change = False
        """Whether one was met that is not the first."""

    def add(self, packet: Packet[VideoStream]) -> None:
        """Take the next packet."""
        if packet.has_sidedata(KIND):
            palette = bytes(packet.get_sidedata(KIND))
            self.change = self.change or self._first not in (None, palette)
            self._first = self._first if self._first is not None else palette


def with_palette(packets: Iterator[P], palette: PacketSideData | None) -> Iterator[P]:
    """Yield packets, the first of them with a palette where it has none of its own."""
    for packet in packets:
        if packet is not None and packet.size and palette is not None:
            if not packet.has_sidedata(KIND):
                packet.set_sidedata(palette)
            palette = None
        yield packet
