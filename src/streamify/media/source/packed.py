"""Packed MPEG-4: a B picture in the packet of the anchor before it, as DivX and Xvid wrote it into AVI."""

from __future__ import annotations

from typing import cast

from av.packet import Packet
from av.video.stream import VideoStream

from streamify.bitstream.mpeg import Mpeg4Reader

VOP = b"\0\0\1\xb6"
MARK = b"\0\0\1\xb2DivX503b1393p"
"""User data by which FFmpeg's decoder knows that pictures are packed. Some files have it once, at their start."""


def with_mark(packet: Packet[VideoStream]) -> Packet[VideoStream]:
    """Return a packet of MPEG-4, marked where it holds two pictures, so that decoding can begin at any keyframe."""
    data = bytes(packet)
    first = data.find(VOP)
    if first < 0 or data.find(VOP, first + 4) < 0:
        return packet
    marked = cast("Packet[VideoStream]", Packet(data[:first] + MARK + data[first:]))
    marked.pts, marked.dts, marked.duration = packet.pts, packet.dts, packet.duration
    marked.time_base, marked.is_keyframe = packet.time_base, packet.is_keyframe
    return marked


class Unpacked:
    """Tells which packets hold nothing but a picture that is not coded, and give the decoder nothing to show either.

    Parsers of transport streams make packets of them. Behind the last one the decoder gives its last picture the time
    of such a packet, which has none in the plan.

    Args:
        extradata: Of the stream.
    """

    def __init__(self, extradata: bytes) -> None:
        self._reader = Mpeg4Reader(extradata)

    def is_empty(self, data: bytes) -> bool:
        """Return whether the next packet in decode order is one of them."""
        return not self._reader.read(data) and not self._reader.delayed and VOP in data
