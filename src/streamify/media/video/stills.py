"""Single pictures of finished segments, with as little decoding as they need."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.bitstream.base import Reader
from streamify.bitstream.readers import reader
from streamify.media.source.opening import open_media
from streamify.media.source.reading import decode, decoder, read_packets


def shown_at(init: bytes, data: bytes, wanted: Sequence[int]) -> Iterator[VideoFrame]:
    """Yield the pictures that a segment shows at some times.

    Groups of pictures without any of them are not decoded. Of the others the decoder skips pictures that no other is
    decoded from, about half of them, and ends with the last one that is wanted.

    Args:
        init: Init segment of a rendition that was made here: every keyframe begins a closed group.
        data: Media segment.
        wanted: Output ticks, ascending.
    """
    with open_media(io.BytesIO(init + data), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
        stream = container.streams.video[0]
        context, packets = decoder(stream), [packet for packet in read_packets(container, stream) if packet.size]
        times = sorted(_time(packet) for packet in packets)
        shown = [times[max(0, bisect_right(times, at) - 1)] for at in wanted]
        for group in _groups(packets, reader(context.name, bytes(context.extradata or b""))):
            inside = {_time(packet) for packet in group}
            here = [time for time in shown if time in inside]
            if here:
                pictures = _decoded(context, group, frozenset(here))
                yield from (pictures[time] for time in here)


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
