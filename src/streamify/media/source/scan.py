"""One demux pass over a video stream, for containers without an index of their own."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.errors import SourceError
from streamify.media.damage import damage
from streamify.media.source.opening import keep_only
from streamify.model.source import Note
from streamify.mp4.samples import Samples


@dataclass(frozen=True)
class Scan:
    """What the pass found."""

    samples: Samples
    positions: array[int]
    """Byte offset of each packet as FFmpeg reports it; -1 where it does not."""
    shown: array[int]
    """Sorted, distinct presentation times of the packets that show a picture."""
    duplicates: int
    end: int
    """End of the last picture, ticks."""
    notes: tuple[Note, ...]


def scan(container: InputContainer, stream: VideoStream) -> Scan:
    """Demux `container` from its start and keep no packet.

    Raises:
        SourceError: ``no-timestamps`` where a packet has neither presentation nor decode time.
    """
    keep_only(container, stream)
    pts, dts, positions, keys = array("q"), array("q"), array("q"), array("q")
    sizes, hidden, shown = array("I"), 0, array("q")
    last = (0, 0)
    notes: list[Note] = []
    codec = stream.codec_context.name
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            time = packet.pts if packet.pts is not None else packet.dts
            if time is None:
                raise SourceError(
                    "no-timestamps",
                    f"packet {len(pts)} of video stream {stream.index} has no timestamp",
                    "remux the source first: ffmpeg -fflags +genpts -i SOURCE -c copy OUT.mkv",
                )
            if packet.is_keyframe:
                keys.append(len(pts))
            pts.append(time)
            dts.append(packet.dts if packet.dts is not None else time)
            positions.append(packet.pos if packet.pos is not None else -1)
            sizes.append(packet.size)
            if packet.is_discard or is_hidden(codec, packet):
                hidden += 1
                continue
            shown.append(time)
            last = max(last, (time, packet.duration or 0)) if len(shown) > 1 else (time, packet.duration or 0)
    except av.error.FFmpegError as error:
        notes.append(
            Note(
                kind="damaged",
                what=f"reading the container stopped after {len(pts)} video packets",
                why=f"the rest is unreadable: {error.strerror}",
            )
        )
    if hidden:
        notes.append(Note(kind="info", what=f"{hidden} packets show no picture", why="alternate references or edits"))
    distinct = array("q", sorted(set(shown)))
    if not keys and pts:
        keys.append(0)
    return Scan(
        Samples(pts, dts, sizes, keys),
        positions,
        distinct,
        len(shown) - len(distinct),
        last[0] + (last[1] or _gap(distinct)),
        tuple(notes),
    )


def is_hidden(codec: str, packet: Packet[VideoStream]) -> bool:
    """Whether a packet only feeds later ones: VP8 (RFC 6386, 9.1) and VP9 (uncompressed header, 6.2) can say so."""
    if codec not in ("vp8", "vp9", "libvpx", "libvpx-vp9"):
        return False
    data = memoryview(packet)
    first = data[0]
    if "vp8" in codec or codec == "libvpx":
        return not first & 0x10
    if data[-1] & 0xE0 == 0xC0 and len(data) > 1:
        return False  # a superframe ends in a picture that is shown
    if first >> 4 & 3 == 3:
        first <<= 1  # profile 3 has a reserved bit more
    return not first & 0x08 and not first & 0x02


def _gap(times: array[int]) -> int:
    return times[-1] - times[-2] if len(times) > 1 else 1


@dataclass(frozen=True)
class Start:
    """The first packets of a stream, and what they decode to."""

    packets: tuple[tuple[int | None, int | None, int], ...]
    """Presentation time, position and size of the first packets."""
    pictures: tuple[VideoFrame, ...]
    """The first pictures that come out."""

    @property
    def first(self) -> int | None:
        """Presentation time of the first picture that has one."""
        return next((int(frame.pts) for frame in self.pictures if frame.pts is not None), None)


COMPARED_PACKETS = 16
PICTURES = 10
"""Pictures decoded to learn colour, rotation and field order."""
DECODED_PACKETS = 300
"""Packets read at most to get them: a broadcast recording may begin 10 s before its first keyframe."""


def read_start(container: InputContainer, stream: VideoStream) -> Start:
    """Read a freshly opened container until `PICTURES` come out, and at least `COMPARED_PACKETS` packets."""
    context = stream.codec_context
    context.thread_count = 1
    packets: list[tuple[int | None, int | None, int]] = []
    pictures: list[VideoFrame] = []
    try:
        for packet in container.demux(stream):
            if packet.size:
                packets.append((packet.pts, packet.pos, packet.size))
                if len(pictures) < PICTURES:
                    pictures += _decode(context, packet)
            if len(packets) >= DECODED_PACKETS or (len(packets) >= COMPARED_PACKETS and len(pictures) >= PICTURES):
                break
    except av.error.FFmpegError:
        packets.clear()  # a file that ends in its first packets; the index or the scan says so
    if len(pictures) < PICTURES:
        pictures += _decode(context, None)
    return Start(tuple(packets[:COMPARED_PACKETS]), tuple(pictures))


def _decode(context: VideoCodecContext, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    try:
        return context.decode(packet)
    except av.error.FFmpegError as error:
        damage(error, packet)
        return []  # the tasks count damage, picture by picture


def seconds(ticks: int, time_base: Fraction) -> str:
    """Return ticks as seconds for a message."""
    return f"{float(ticks * time_base):.3f} s"
