"""Taking out what a decoder holds before its pictures change size: FFmpeg's decoders of MPEG-1 and MPEG-2 drop it."""

from __future__ import annotations

from typing import Any

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from streamify.media.source.reading import decode

SEQUENCE = b"\0\0\1\xb3"
"""Start code of a sequence header (ISO/IEC 13818-2, 6.2.2.1): 12 bits of width and 12 of height follow."""


class Draining:
    """Watches the packets of one decoder."""

    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context if context.name in ("mpeg1video", "mpeg2video") else None
        self._size: bytes | None = None

    def before(self, packet: Packet[Any] | None) -> list[VideoFrame]:
        """Return the pictures that come out before a packet is decoded: none unless it begins another size."""
        if self._context is None or packet is None:
            return []
        data = bytes(packet)
        at = data.find(SEQUENCE)
        size = data[at + 4 : at + 7]
        if at < 0 or size == self._size:
            return []
        first, self._size = self._size is None, size
        if first:
            return []
        frames = decode(self._context, None)
        self._context.flush_buffers()
        return frames
