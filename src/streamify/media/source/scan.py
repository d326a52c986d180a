"""One demux pass over a video stream, for containers without an index of their own."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import compress, takewhile
from typing import cast

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.bitstream.base import Coded, Reader
from streamify.bitstream.captions import ESCAPED, cc_data, messages
from streamify.bitstream.channels import Channels
from streamify.bitstream.clock import Timed, time_packets
from streamify.bitstream.h264 import H264Reader
from streamify.bitstream.hevc import HevcReader
from streamify.bitstream.mpeg import Mpeg4Reader
from streamify.bitstream.packets import NONE, Packets, print_of
from streamify.bitstream.readers import knows, reader
from streamify.bitstream.theora import TheoraReader
from streamify.errors import SourceError
from streamify.media.source.audio_packets import AudioPackets
from streamify.media.source.clock_notes import clock_notes
from streamify.media.source.joints import FALLS
from streamify.media.source.mixed import mixed
from streamify.media.source.no_media import ENCODE
from streamify.media.source.opening import keep_only
from streamify.media.source.palette import Palettes
from streamify.media.source.plausible import refuse_claims
from streamify.media.source.reading import UnreadableError, decode, decoder, offset_of, read_packets
from streamify.media.source.timed_file import TimedFile
from streamify.model.source import ClockBreak, Note
from streamify.mp4.samples import Samples

NEAR = 64
"""Packets in front of one among which one with an offset is looked for."""
DECODED = ("avi", "asf")
"""Containers with times of decoding alone."""


@dataclass(frozen=True)
class Scan:
    """What the pass found."""

    samples: Samples
    """The packets with the times at which they are shown."""
    raw: Samples
    """The packets with the times that FFmpeg reports; `NONE` where it reports none."""
    positions: array[int]
    """Byte offset of each packet as FFmpeg reports it; -1 where it does not."""
    prints: array[int]
    """Of the bytes of each packet: `print_of`."""
    shown: array[int]
    """Sorted, distinct presentation times of the packets that show a picture."""
    coded: int
    """Pictures that the bitstream holds and shows, counted in the order of decoding."""
    duplicates: int
    end: int
    """End of the last picture, ticks."""
    timed: Timed
    corrupt: tuple[int, ...]
    """Packets that the demuxer found damaged, as by a break in a transport stream's counters."""
    notes: tuple[Note, ...]
    captions: int | None = None
    """Number of the first packet that carries captions."""
    channels: tuple[str, ...] = ()
    """Of captions, as of `Channels.names`."""
    counted: bytes = b""
    """Of each packet: pictures that the bitstream holds and shows, and those that no decoder shows."""
    lost: bytes = b""
    """Of each packet: pictures that no decoder shows."""
    borders: Mapping[int, int] = field(default_factory=dict)
    """Where recordings begin by what their container says, by their first packets: byte offsets."""

    @property
    def left_out(self) -> int:
        """Pictures of those in `coded` that are not shown at a time of their own, as the notes say."""
        return self.duplicates + len(self.timed.late) + sum(self.lost)

    def within(self, start: int, end: int) -> tuple[int, int]:
        """Return how many pictures the bitstream holds and shows in ``[start, end)``, and how many are left out there.

        As `coded` they are counted packet by packet; one without a time of its own counts with the one before it.
        """
        inside = [start <= time < end for time in self.samples.pts]
        coded, lost = (sum(compress(column, inside)) for column in (self.counted, self.lost))
        kept = sum(start <= time < end for time in self.timed.times)
        distinct = bisect_left(self.shown, end) - bisect_left(self.shown, start)
        return coded, kept - distinct + sum(inside[number] for number in self.timed.late) + lost

    def breaks(self, time_base: Fraction) -> tuple[ClockBreak, ...]:
        """Return where the clock does not go on."""
        times = self.samples.pts
        return tuple(
            ClockBreak(
                at=(times[one.packet] - self.shown[0]) * time_base,
                position=self.borders.get(one.packet, self.positions[one.packet]),
                shift=one.shift * time_base,
                exact=one.packet in self.borders,
            )
            for one in self.timed.breaks
        )

    def time_of_first(self, start: Start) -> int | None:
        """Return when the first picture that decoded is shown; ``None``: that is not known."""
        first = start.first
        if self.timed.own or first is None:
            return first
        known = zip(self.raw.pts[:DECODED_PACKETS], self.timed.times, strict=False)
        time = next((time for pts, time in known if pts == first and time != NONE), None)
        if time is None:
            return None
        # Those in front of it have no time of FFmpeg's: Matroska can have negative ones, which it does not give.
        place = bisect_left(self.shown, time) - start.untimed
        return self.shown[place] if place >= 0 else time


def scan(
    container: InputContainer,
    stream: VideoStream,
    size: int,
    audio_packets: AudioPackets,
    timed_file: TimedFile,
    begins: Callable[[int, int], int | None] = lambda _before, _at: None,
) -> Scan:
    """Demux `container` from its start and keep no packet.

    Args:
        container: Freshly opened.
        stream: Of pictures.
        size: Of its file, bytes.
        audio_packets: Receives the packets of sound.
        timed_file: Is told of each packet.
        begins: Says of the byte offsets of two packets where the recording begins whose first one the second is, if it
            is; called once all is read, in the order of the file.

    Raises:
        SourceError: ``no-timestamps`` where no packet has a time; it claims more than the file can hold;
            ``source-joined``.
    """
    keep_only(container, stream, *audio_packets.streams)
    packets, positions, sizes, keys = Packets(), array("q"), array("I"), array("q")
    context = stream.codec_context
    given = current = bytes(context.extradata or b"")
    coded = reader(context.name, given)
    corrupt: list[int] = []
    notes: list[Note] = []
    claimed = 0
    captions: int | None = None
    channels, escaped = Channels(), context.name in ESCAPED
    palettes = Palettes()
    try:
        for packet in read_packets(container, stream, *audio_packets.streams):
            timed_file.gave()
            if not packet.size:
                continue
            if packet.stream_index != stream.index:
                audio_packets.add(packet)
                continue
            audio_packets.passed(packet)
            claimed += packet.size
            refuse_claims(len(packets), claimed, size)
            if packet.has_sidedata("new_extradata"):
                current = bytes(packet.get_sidedata("new_extradata"))
                if isinstance(coded, H264Reader | HevcReader):
                    coded.renew(current)
            positions.append(-1 if (at := offset_of(packet)) is None else at)
            sizes.append(packet.size)
            if packet.is_corrupt:
                corrupt.append(len(packets))
            palettes.add(cast("Packet[VideoStream]", packet))
            data = bytes(packet)
            if triples := cc_data(data, escaped=escaped):
                captions = captions if captions is not None else len(packets)
                channels.add(triples)
            _add(packets, cast("Packet[VideoStream]", packet), data, coded)
            if isinstance(coded, TheoraReader) and coded.other_rate:
                raise mixed(f"its pictures have another rate from byte {positions[-1]} on")
            # Behind parameters that are not those of the header (FLV) no decoder can begin: it reads on from before.
            if packet.is_keyframe and current == given and not (isinstance(coded, Mpeg4Reader) and coded.delayed):
                keys.append(len(packets) - 1)
    except UnreadableError as error:
        notes.append(
            Note(
                kind="damaged",
                what=f"reading the container stopped after {len(packets)} video packets",
                why=f"the rest is unreadable: {error.reason}",
            )
        )
    if isinstance(coded, Mpeg4Reader) and packets.lost:
        packets.lost[-1] = min(255, packets.lost[-1] + coded.pending)
    if not keys and len(packets):
        keys.append(0)
    if palettes.change:
        del keys[1:]
        what = "every task decodes from the first picture on"
        notes.append(Note(kind="info", what=what, why="the palette of its colours changes, which a seek passes over"))
    time_base = cast("Fraction", stream.time_base)
    jumps = container.format.name in ("mpegts", "mpeg")
    known = knows(context.name)
    behind = frozenset(_behind(positions)) if container.format.name == "mpegts" else frozenset()
    borders = {
        number: border
        for number in _falling(packets, keys, int(FALLS / time_base))
        if (border := begins(_known_before(positions, number), positions[number])) is not None
    }
    timed = time_packets(
        packets,
        time_base,
        reordered=known,
        jumps=jumps,
        depth=context.reorder_depth,
        behind=behind,
        anew=borders.keys(),
        reckoned=container.format.name in DECODED,
    )
    if timed is None:
        raise SourceError(
            "no-timestamps",
            f"no packet of video stream {stream.index} has a timestamp",
            f"encode it anew, which gives its pictures times: {ENCODE}",
        )
    hidden = packets.shown.count(0)
    if hidden:
        notes.append(Note(kind="info", what=f"{hidden} packets show no picture", why="alternate references or edits"))
    notes += clock_notes(packets, timed, time_base)
    columns = Columns(positions, sizes, keys, captions, channels.names)
    return replace(_found(packets, timed, columns, tuple(corrupt), tuple(notes)), borders=borders)


def _falling(packets: Packets, keys: Iterable[int], most: int) -> Iterator[int]:
    """Yield the keyframes that are decoded no later than the packet before them, by at most `most` ticks."""
    for number in keys:
        times = [packets.dts[at] if packets.dts[at] != NONE else packets.pts[at] for at in (number - 1, number)]
        if number and NONE not in times and 0 <= times[0] - times[1] <= most:
            yield number


def _known_before(positions: Sequence[int], number: int) -> int:
    """Return the offset of the last packet in front of one that has one; -1: none near has."""
    return next((positions[at] for at in range(number - 1, max(-1, number - 1 - NEAR), -1) if positions[at] >= 0), -1)


def _behind(positions: Sequence[int]) -> Iterator[int]:
    """Yield packets that FFmpeg gives later than those behind them: the last one of a PID is, where PIDs change."""
    most = -1
    for number, position in enumerate(positions):
        if 0 <= position < most:
            yield number
        most = max(most, position)


@dataclass(frozen=True)
class Columns:
    """What is kept of each packet beside its times."""

    positions: array[int]
    sizes: array[int]
    keys: array[int]
    captions: int | None
    """The first packet that carries captions."""
    channels: tuple[str, ...]


def _add(packets: Packets, packet: Packet[VideoStream], data: bytes, coded: Reader) -> None:
    packets.pts.append(NONE if packet.pts is None else packet.pts)
    packets.dts.append(NONE if packet.dts is None else packet.dts)
    packets.duration.append(packet.duration or 0)
    packets.prints.append(print_of(data))
    first = next((one for one in coded.read(data) if not one.second), None)
    packets.lost.append(min(255, coded.lost) if isinstance(coded, Mpeg4Reader) else 0)
    if first is None:
        packets.picture.append(-1)
        return
    packets.picture.append(len(packets.shown))
    if first.guessed:
        packets.guessed.add(len(packets.shown))
    packets.shown.append(first.shown and not packet.is_discard)
    packets.sequences.append(first.sequence)
    packets.orders.append(first.order)


def _found(packets: Packets, timed: Timed, columns: Columns, corrupt: tuple[int, ...], notes: tuple[Note, ...]) -> Scan:
    shown = array("q", (time for time in timed.times if time != NONE))
    distinct = array("q", sorted(set(shown)))
    times = array("q", _all_times(packets, timed))
    dts = array("q", (d if d != NONE else t for d, t in zip(packets.dts, times, strict=True)))
    duration = 0
    if distinct:
        last = timed.times.index(distinct[-1])
        duration = packets.duration[last] if timed.own else timed.step
    return Scan(
        Samples(times, dts, columns.sizes, columns.keys),
        Samples(packets.pts, packets.dts, columns.sizes, columns.keys),
        columns.positions,
        packets.prints,
        distinct,
        packets.shown.count(1) + sum(packets.lost),
        len(shown) - len(distinct),
        distinct[-1] + (duration or _gap(distinct)) if distinct else 0,
        timed,
        corrupt,
        notes,
        columns.captions,
        columns.channels,
        bytes(
            (number >= 0 and packets.shown[number]) + lost
            for number, lost in zip(packets.picture, packets.lost, strict=True)
        ),
        bytes(packets.lost),
    )


def _all_times(packets: Packets, timed: Timed) -> Iterator[int]:
    """Yield a time for each packet: of those that show nothing their own, or that of the picture before them."""
    before = 0
    for time, own in zip(timed.times, packets.pts, strict=True):
        before = time if time != NONE else own if timed.own and own != NONE else before
        yield before


def _gap(times: array[int]) -> int:
    return times[-1] - times[-2] if len(times) > 1 else 1


@dataclass(frozen=True)
class Start:
    """The first packets of a stream, and what they decode to."""

    packets: tuple[tuple[int | None, int | None, int], ...]
    """Presentation time, position and size of the first packets."""
    pictures: tuple[VideoFrame, ...]
    """The first pictures that come out."""
    coded: tuple[tuple[Coded, ...], ...]
    """What the first packets hold."""
    captions: tuple[bytes, ...] = ()
    """Triples of each message of cc_data in them."""
    views: bool = False
    """Whether they hold pictures of other layers."""
    enhanced: bool = False
    """Whether they hold Dolby Vision's enhancement layer."""

    @property
    def first(self) -> int | None:
        """Presentation time of the first picture that has one."""
        return next((int(frame.pts) for frame in self.pictures if frame.pts is not None), None)

    @property
    def untimed(self) -> int:
        """Pictures in front of that one."""
        return sum(1 for _ in takewhile(lambda frame: frame.pts is None, self.pictures))


COMPARED_PACKETS = 16
PICTURES = 10
"""Pictures decoded to learn colour, rotation and field order."""
DECODED_PACKETS = 300
"""Packets read at most to get them: a broadcast recording may begin 10 s before its first keyframe."""


def read_start(container: InputContainer, stream: VideoStream) -> Start:
    """Read a freshly opened container until `PICTURES` come out, and at least `COMPARED_PACKETS` packets."""
    context = decoder(stream)
    packets: list[tuple[int | None, int | None, int]] = []
    pictures: list[VideoFrame] = []
    coded: list[tuple[Coded, ...]] = []
    bitstream, captions = reader(context.name, bytes(context.extradata or b"")), list[bytes]()
    try:
        for packet in read_packets(container, stream):
            if packet.size:
                packets.append((packet.pts, packet.pos, packet.size))
                coded.append(tuple(bitstream.read(bytes(packet))))
                captions += messages(bytes(packet), escaped=context.name in ESCAPED)
                if len(pictures) < PICTURES:
                    pictures += decode(context, packet)  # the tasks count damage, picture by picture
            if len(packets) >= DECODED_PACKETS or (len(packets) >= COMPARED_PACKETS and len(pictures) >= PICTURES):
                break
    except UnreadableError:
        packets.clear()  # a file that ends in its first packets; the index or the scan says so
    if len(pictures) < PICTURES:
        pictures += decode(context, None)
    views = isinstance(bitstream, (H264Reader, HevcReader)) and bitstream.views
    enhanced = isinstance(bitstream, HevcReader) and bitstream.enhanced
    return Start(tuple(packets[:COMPARED_PACKETS]), tuple(pictures), tuple(coded), tuple(captions), views, enhanced)


def seconds(ticks: int, time_base: Fraction) -> str:
    """Return ticks as seconds for a message."""
    return f"{float(ticks * time_base):.3f} s"
