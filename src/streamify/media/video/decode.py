"""Decoding a window of the source: one thread, always from the plan's keyframe at or before it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.errors import SourceError
from streamify.media.source.draining import Draining
from streamify.media.source.packed import Unpacked, with_mark
from streamify.media.source.reading import decode, decoder
from streamify.media.source.smeared import Smeared
from streamify.media.source.turn import UPRIGHT, Turn, Turns
from streamify.media.video.window import WindowPackets, WindowSource
from streamify.model.plan import EntryPoint, Segment


@dataclass(frozen=True)
class Picture:
    """A decoded picture and where it lies on the source's timeline."""

    pts: int
    """Source ticks, on the plan's clock."""
    frame: VideoFrame
    aspect: Fraction | None = None
    """Sample aspect that the bitstream gives it; ``None``: it says nothing."""
    turn: Turn = UPRIGHT
    """How a player turns it."""
    spoilt: bool = False
    """Whether the decoder met damage since the last keyframe: it may show what is lost as grey, or as it was before."""
    second: VideoFrame | None = None
    """The picture of its later field, where each field is shown as a picture."""


@dataclass
class DecodeLog:
    """What happened on the way; grows while pictures are drawn."""

    preroll: int = 0
    """Pictures decoded before the window."""
    damaged: int = 0
    """Pictures inside the window that the decoder flagged as corrupt."""
    spoilt: list[int] = field(default_factory=list)
    """Presentation times of pictures inside the window that come behind damage, up to the next keyframe."""
    errors: list[str] = field(default_factory=list)
    """What the decoder said about packets it refused."""
    packets: set[int] = field(default_factory=set)
    """Presentation times of the packets read inside the window."""
    captions: list[tuple[int, bytes]] = field(default_factory=list)
    """Presentation times of those packets that carry captions, in order, and their triples of cc_data."""
    broken: int = 0
    """Packets, from the entry point on, that are incomplete or hold no picture, of which decoders may say nothing."""
    misread: bool = False
    """Whether other packets were read than the index has: what came out may be other pictures."""
    bytes_read: int = 0


def decode_window(
    source: WindowSource, segment: Segment, log: DecodeLog, *, before: bool = False, insist: bool = False
) -> Iterator[Picture]:
    """Yield the pictures of a segment in order, then the first one at or after its end.

    Where a picture stands at its start, that one and all after it come first. Where not one picture of it decodes, the
    last one before it does.

    Where the nearest entry point gives its first picture too late (open GOPs, recovery points), decoding starts
    again from the one before it, and finally from the start of the file.

    Args:
        source: Where the bytes are.
        segment: The window.
        log: Receives what happened.
        before: Also yield the picture before the window, where one comes out (deinterlacing looks at it).
        insist: Begin early enough that one does.

    Raises:
        SourceError: Not one picture decodes, of the window or beside it.
    """
    best: tuple[int, int] | None = None
    starts: list[EntryPoint | None] = [*segment.entries, None]
    if segment.packets is not None and segment.packets.anew is not None:
        starts.pop()  # the file has its packets in another order
    for number, entry in enumerate(starts):
        with _Run(source, segment, entry) as run:
            first = next(run.pictures, None)
            if first is None:
                continue
            early = insist and segment.index > 0 and entry is not None
            if first.pts < segment.earliest or (first.pts == segment.earliest and not early):
                yield from _deliver(run, first, source, segment, log, before=before)
                return
            if best is None or first.pts < best[0]:
                best = (first.pts, number)
        if best is not None and best[0] <= segment.earliest and number == len(segment.entries) - 1:
            break  # no entry point gives the picture before: to read the whole film for it would be too much
    # No start gives the first picture of the window: it is lost. Take the start that loses least.
    if best is None:
        raise undecodable(segment)
    with _Run(source, segment, starts[best[1]]) as run:
        first = next(run.pictures)
        yield from _deliver(run, first, source, segment, log, before=before)


def glance(source: WindowSource, segment: Segment, limit: int) -> Iterator[Picture]:
    """Yield the pictures of a window as far as the nearest entry point gives them.

    Args:
        source: Where the bytes are.
        segment: The window.
        limit: Pictures that are decoded at most, those before the window included.
    """
    try:
        with _Run(source, segment, segment.entries[0] if segment.entries else None) as run:
            for picture in islice(run.pictures, limit):
                if picture.pts >= segment.source_start:
                    yield picture
    except SourceError:
        return  # a look at a place that cannot be opened: nothing is known of it


def undecodable(segment: Segment) -> SourceError:
    """Return the error of a segment without a picture."""
    return SourceError(
        "segment-undecodable",
        f"segment {segment.index}: no picture decodes, neither from tick {segment.source_start} to "
        f"{segment.source_end} nor beside it",
        "the source is damaged there; copy or upload it again",
    )


def _deliver(
    run: _Run, first: Picture, source: WindowSource, segment: Segment, log: DecodeLog, *, before: bool
) -> Iterator[Picture]:
    held: Picture | None = None
    last: int | None = None
    end = segment.source_end if segment.source_end is not None else source.end
    for picture in chain([first], run.pictures):
        if last is not None and picture.pts <= last:
            continue  # two pictures with one time: the first is shown; the index counted and noted it
        last = picture.pts
        if picture.pts < segment.earliest:
            log.preroll += 1
            held = picture
            continue
        if picture.pts >= source.end:
            break  # cut off by an edit list
        lost = picture.pts >= end if segment.held is None else picture.pts > segment.held
        if held is not None and (before or lost):
            yield held  # it stands on in place of what is lost
        held = None
        if segment.source_start <= picture.pts < end:
            log.damaged += picture.frame.is_corrupt
            if picture.spoilt:
                log.spoilt.append(picture.pts)
        yield picture
        if picture.pts >= end:
            break
    if held is not None:
        yield held  # nothing follows
    log.errors.extend(run.errors)
    log.broken += run.broken
    log.packets.update(pts for pts in run.packets if segment.source_start <= pts < end)
    log.captions.extend(sorted((one for one in run.captions if segment.source_start <= one[0] < end), key=_time))
    log.bytes_read += run.bytes_read
    log.misread = not source.through and segment.marks not in (None, run.marks)


def _time(captions: tuple[int, bytes]) -> int:
    return captions[0]


class _Run:
    """One attempt: the packets behind an entry point, and the pictures that come out of them."""

    def __init__(self, source: WindowSource, segment: Segment, entry: EntryPoint | None) -> None:
        self._segment = segment
        self._window = WindowPackets(source, segment, entry)
        self._spoilt = False
        self.broken = 0
        self.pictures = self._decode()

    def __enter__(self) -> _Run:
        self._window.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.pictures.close()  # it holds this run, which holds it: all would stay until Python looks for garbage
        self._window.close()

    @property
    def errors(self) -> list[str]:
        return self._window.errors

    @property
    def packets(self) -> list[int]:
        """Presentation times of the packets read, source ticks."""
        return self._window.times

    @property
    def captions(self) -> list[tuple[int, bytes]]:
        return self._window.captions

    @property
    def marks(self) -> int:
        return self._window.marks

    @property
    def bytes_read(self) -> int:
        return self._window.bytes_read

    def _decode(self) -> Generator[Picture, None, None]:
        context = decoder(self._window.stream)
        smeared = Smeared(context)
        known, turns, draining = _Aspects(), Turns(), Draining(context)
        unpacked = Unpacked(bytes(context.extradata or b"")) if context.name == "mpeg4" else None
        drained = False
        for packet in chain(self._window.read(), [None]):  # None flushes the decoder
            if drained and packet is not None:
                context.flush_buffers()
                smeared.begin_anew()
            drained = packet is None
            # A packet that holds no picture is no damage, though some decoders call it an error.
            told = packet is None or packet.pts is not None or self._segment.packets is None
            self.broken += packet is not None and (packet.is_corrupt or _is_no_picture(packet, context.name))
            yield from self._shown(draining.before(packet), known, turns)
            if packet is not None and unpacked is not None and unpacked.is_empty(bytes(packet)):
                continue
            given = with_mark(packet) if packet is not None and unpacked is not None else packet
            errors = len(self.errors)
            if packet is None and draining.drains:
                frames = draining.drain()
            else:
                frames = decode(context, given, self.errors.append if told else None)
            known.add(packet.pts if packet is not None else None, context.sample_aspect_ratio)
            yield from self._shown(smeared.shown(frames), known, turns)
            self._spoilt = self._spoilt or len(self.errors) > errors

    def _shown(self, frames: Iterable[VideoFrame], known: _Aspects, turns: Turns) -> Iterator[Picture]:
        for frame in frames:
            self._spoilt = frame.is_corrupt or (self._spoilt and not frame.key_frame)
            turn = turns.of(frame)
            if frame.pts is not None:
                yield Picture(frame.pts, frame, known.of(frame.pts), turn, self._spoilt)


def _is_no_picture(packet: Packet[VideoStream], codec: str) -> bool:
    """Whether a packet with a time holds no picture: decoders of MPEG-1 and MPEG-2 do not call that an error."""
    return packet.pts is not None and codec in ("mpeg1video", "mpeg2video") and PICTURE not in bytes(packet)


PICTURE = b"\0\0\1\0"
"""Start code of pictures of MPEG-1 and MPEG-2 (ISO/IEC 13818-2, 6.2.1)."""


class _Aspects:
    """Sample aspects of pictures that are still to come out: they change with a packet, pictures come out later."""

    def __init__(self) -> None:
        self._pending: dict[int, Fraction | None] = {}
        self._latest: Fraction | None = None

    def add(self, pts: int | None, aspect: Fraction | None) -> None:
        """Note what the bitstream says after a packet was decoded."""
        self._latest = aspect or None
        if pts is not None:
            self._pending[pts] = self._latest

    def of(self, pts: int) -> Fraction | None:
        """Return the sample aspect of a picture."""
        return self._pending.pop(pts, self._latest)
