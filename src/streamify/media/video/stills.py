"""Single pictures of finished segments, with as little decoding as they need."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import cast

from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.bitstream.base import Reader
from streamify.bitstream.readers import reader
from streamify.media.source.opening import open_media
from streamify.media.source.reading import decode
from streamify.mp4.fragments import fragments, shown_from

_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"


class Shown:
    """Decodes single pictures of the segments of one rendition, with one decoder.

    Args:
        init: Init segment of a rendition that was made here: every keyframe begins a closed group.
    """

    def __init__(self, init: bytes) -> None:
        with open_media(io.BytesIO(init), format=_MP4) as container:
            given = container.streams.video[0].codec_context
            name, extradata = given.name, bytes(given.extradata or b"")
        context = CodecContext.create(name, "r")
        assert isinstance(context, VideoCodecContext)
        context.extradata, context.thread_count = extradata, 1
        self._context, self._coded, self._from = context, reader(name, extradata), shown_from(init)

    def at(self, data: bytes, wanted: Sequence[int]) -> Iterator[VideoFrame]:
        """Yield the pictures that a segment shows at some times.

        Groups of pictures without any of them are not decoded. Of the others the decoder skips pictures that no other
        is decoded from, about half of them, and ends with the last one that is wanted.

        Args:
            data: Media segment. FFmpeg does not open it, which would decode its first picture.
            wanted: Output ticks, ascending.
        """
        packets = list(self._packets(data))
        times = sorted(_time(packet) for packet in packets)
        shown = [times[max(0, bisect_right(times, at) - 1)] for at in wanted]
        for group in _groups(packets, self._coded):
            inside = {_time(packet) for packet in group}
            here = [time for time in shown if time in inside]
            if here:
                pictures = _decoded(self._context, group, frozenset(here))
                yield from (pictures[time] for time in here)

    def _packets(self, data: bytes) -> Iterator[Packet[VideoStream]]:
        for part in fragments(data):
            at, time = part.data, part.decode_time
            for size, duration, offset in zip(part.sizes, part.durations, part.offsets, strict=True):
                packet = cast("Packet[VideoStream]", Packet(data[at : at + size]))
                packet.dts, packet.pts = time, time + offset - self._from
                yield packet
                at, time = at + size, time + duration


def _groups(packets: Sequence[Packet[VideoStream]], coded: Reader) -> Iterator[Sequence[Packet[VideoStream]]]:
    """Yield the packets from each keyframe to the next, in the order of decoding.

    FFmpeg also calls I pictures keyframes that are no IDR, in H.264 with a single reference picture; its decoder gives
    nothing that begins there.
    """
    leads = [any(one.leads for one in coded.read(bytes(packet))) for packet in packets]
    starts = [number for number, lead in enumerate(leads) if lead or not number]
    for start, stop in zip(starts, [*starts[1:], len(packets)], strict=True):
        yield packets[start:stop]


def _decoded(
    context: VideoCodecContext, group: Sequence[Packet[VideoStream]], wanted: frozenset[int]
) -> dict[int, VideoFrame]:
    """Return the wanted pictures of a group by their times."""
    last = max(number for number, packet in enumerate(group) if _time(packet) in wanted)
    frames: list[VideoFrame] = []
    for packet in group[: last + 1]:
        context.skip_frame = "DEFAULT" if _time(packet) in wanted else "NONREF"
        frames += decode(context, packet)
    frames += decode(context, None)
    context.flush_buffers()
    return {frame.pts: frame for frame in frames if frame.pts in wanted}


def _time(packet: Packet[VideoStream]) -> int:
    return packet.pts or 0
