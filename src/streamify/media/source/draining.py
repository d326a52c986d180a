"""What FFmpeg's decoders of MPEG-1 and MPEG-2 hold and do not give out by themselves.

They drop the picture that they hold where pictures change size. Of a film that ends with one field they drop the
picture before it, and leave the lines of the other field as the memory was.
"""

from __future__ import annotations

from collections import deque
from typing import Any, cast

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from streamify.bitstream.mpeg import Field, fields
from streamify.media.source.reading import decode

SEQUENCE = b"\0\0\1\xb3"
"""Start code of a sequence header (ISO/IEC 13818-2, 6.2.2.1): 12 bits of width and 12 of height follow."""


class Draining:
    """Watches the packets of one decoder."""

    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context if context.name in ("mpeg1video", "mpeg2video") else None
        self._size: bytes | None = None
        self._latest: deque[bytes] = deque(maxlen=2)  # a picture is two packets at most

    def before(self, packet: Packet[Any] | None) -> list[VideoFrame]:
        """Return the pictures that come out before a packet is decoded: none unless it begins another size."""
        if self._context is None or packet is None or not packet.size:
            return []
        data = bytes(packet)
        at = data.find(SEQUENCE)
        size = data[at + 4 : at + 7]
        frames: list[VideoFrame] = []
        if at >= 0 and size != self._size:
            if self._size is not None:
                frames = self.drain()
                self._context.flush_buffers()
            self._size = size
        self._latest.append(data)
        return frames

    def drain(self) -> list[VideoFrame]:
        """Return the pictures that the decoder holds at an end. A single field is the other one, too."""
        assert self._context is not None
        single, frames = self._single(), []
        if single is not None:
            field, data = single
            frames = decode(self._context, cast("Packet[Any]", Packet(field.other(data))))
        held = decode(self._context, None)
        if single is not None and held:
            _repeat(held[-1], single[0].parity)
        return [*frames, *held]

    @property
    def drains(self) -> bool:
        """Whether the pictures at an end are to come out of `drain`."""
        return self._context is not None

    def _single(self) -> tuple[Field, bytes] | None:
        """Return the field that is the last picture of the stream and has no second one, and its packet."""
        pictures = [(one, data) for data in self._latest for one in fields(data)]
        self._latest.clear()
        if not pictures or (last := pictures[-1][0]) is None or last.is_b:
            return None  # of B pictures nothing waits for the second field
        before = pictures[-2][0] if len(pictures) > 1 and not last.begins else None
        second = before is not None and before.number == last.number and before.parity != last.parity
        return None if second else (last, pictures[-1][1])


def _repeat(frame: VideoFrame, parity: int) -> None:
    """Give each line of a field to the one beside it of the other field, as FFmpeg's decoder of H.264 does."""
    for plane in frame.planes:
        lines, width = bytearray(plane), plane.line_size
        for line in range(parity - 1, plane.height, 2):
            beside = line + 1 if parity == 1 else line - 1
            if beside < plane.height:
                lines[beside * width : (beside + 1) * width] = lines[line * width : (line + 1) * width]
        plane.update(bytes(lines))
