"""What a video stream promises, and where the bytes of any window of it are."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from operator import le
from typing import BinaryIO, Literal, cast

from av.container import InputContainer
from av.video.stream import VideoStream

from streamify.bitstream.captions import has_captions
from streamify.bitstream.packets import NONE
from streamify.errors import SourceError
from streamify.media.source import cutters as containers
from streamify.media.source.clock_notes import corrupt_notes, join_notes
from streamify.media.source.counters import joins
from streamify.media.source.doubt import Codec, doubt
from streamify.media.source.edit_notes import hidden_notes, part_notes
from streamify.media.source.gaps import find_gaps, find_holes, gap_notes, spoilt_notes
from streamify.media.source.hearing import Hearing
from streamify.media.source.opening import ENCODE, open_media
from streamify.media.source.plausible import refuse_claims, refuse_size
from streamify.media.source.proof import Cut, reproduces
from streamify.media.source.scan import Scan, Start, read_start, scan, seconds
from streamify.media.source.unreadable import Stretch, unreadable_tail
from streamify.media.source.witness import Witness, disagreement, hidden, parse_source, sample_entries
from streamify.model.limits import PICTURES
from streamify.model.plan import EntryPoint, PacketTimes, Splice
from streamify.model.source import ClockBreak, EditPart, Gap, Note
from streamify.mp4.boxes import BoxError
from streamify.mp4.index import HiddenError, Mp4Index
from streamify.mp4.parts import Arranged, arrange
from streamify.mp4.samples import Order, Samples
from streamify.mp4.slice import Slicer
from streamify.mp4.tables import SamplesBeyondError, TooManySamplesError

Access = Literal["sliced", "spliced", "whole"]


@dataclass(frozen=True)
class VideoIndex:
    """The pictures of a video stream."""

    time_base: Fraction
    """Seconds per tick."""
    pts: Sequence[int]
    """Sorted, distinct presentation times of all promised pictures, source ticks, as FFmpeg reports them."""
    end: int
    """End of the last picture, source ticks."""
    access: Access
    scanned: bool
    """Whether the source was read from end to end for this."""
    notes: tuple[Note, ...]
    coded: int
    """Pictures to be shown, counted in another way: in the bitstream by the scan, else by the container's samples."""
    left_out: int
    """Of these, how many the notes name as left out."""
    breaks: tuple[ClockBreak, ...]
    """Where the source's clock does not go on."""
    gaps: tuple[Gap, ...]
    """Where pictures are missing."""
    tail: Stretch | None
    """What cannot be read behind the last picture."""
    _order: Order = field(repr=False)
    _cut: Cut | None = field(repr=False)
    _numbering: Numbering | None = field(default=None, repr=False)
    hearing: Hearing | None = field(default=None, repr=False)
    """The packets of sound, where the source was scanned for want of an index."""
    captions: str | None = None
    """Where captions were found in the bitstream, for people."""
    missing: int = 0
    """Bytes that the file lacks of the samples that its index names."""
    torn: bool = False
    """Whether its index is damaged, so that what it adds up to says nothing of what is there."""
    edits: tuple[EditPart, ...] = ()
    """The parts of the container's edit list, where it has several."""
    late: int = 0
    """By how much later than that the container's edit list shows all pictures, ticks."""

    def weight(self, start: int, end: int | None) -> int:
        """Return about how many bytes of the source show ``[start, end)`` (source ticks)."""
        return self._order.weight(start, end)

    def key_times(self, start: int, end: int) -> Sequence[int]:
        """Return when the keyframes in ``[start, end)`` are shown; where there is none, the last one before `start`."""
        return self._order.key_times(start, end)

    def preroll(self, start: int) -> int:
        """Return how many packets are decoded to reach `start` (source ticks) from the nearest entry."""
        return self._order.preroll(start)

    def locate(self, start: int, end: int | None) -> Located:
        """Return where decoding for ``[start, end)`` (source ticks) may begin, nearest first, and where the bytes are.

        The stream's first packet in the splice is that of the farthest entry point. The splice holds what the window
        and the two pictures after it need. ``end=None``: to the end of the stream. No splice: the whole file is opened
        and sought in.
        """
        samples = self._order.samples
        numbers = self._order.entries(start)
        last = max(self._order.last(end), numbers[0])
        splice = self._cut(numbers[-1], last) if self._cut else None
        if self._numbering is not None:
            return self._numbering.located(numbers, last, start, splice)
        entries = tuple(EntryPoint(pts=samples.pts[number], dts=samples.dts[number]) for number in numbers)
        return Located(entries, splice)


@dataclass(frozen=True)
class Located:
    """Where a window's bytes are."""

    entries: tuple[EntryPoint, ...]
    splice: Splice | None
    packets: PacketTimes | None = None


@dataclass(frozen=True)
class Numbering:
    """Packets by their number, in streams whose own times cannot be used."""

    raw: Samples
    """With the times that FFmpeg reports, or `NONE`."""
    positions: Sequence[int]
    times: Sequence[int]
    """Of each packet, ticks; `NONE`: shows no picture."""
    firsts: Sequence[int] | None = None
    """First packet of each part of an edit list that has several; then the packets are not in the file's order."""

    def located(self, numbers: Sequence[int], last: int, start: int, splice: Splice | None) -> Located:
        """Return where decoding from some packets, nearest first, up to the packet `last` finds them.

        Without a splice an entry point is sought, and known again by the offset of its packet or else by its times; one
        that neither tells from all others is left out. Where none is left, tasks read from the start of the file.
        """
        raw, first = self.raw, numbers[-1]
        offsets = self._offsets_differ
        sought = numbers if splice is not None or offsets else tuple(filter(self._time_tells, numbers))
        times = (None if time == NONE else time - start for time in self.times[first : last + 1])
        return Located(
            tuple(EntryPoint(pts=_known(raw.pts[n], raw.dts[n]), dts=_known(raw.dts[n], raw.pts[n])) for n in sought),
            splice,
            PacketTimes(
                first=first,
                numbers=tuple(sought),
                positions=tuple(self.positions[number] if offsets else -1 for number in sought),
                times=tuple(times),
                anew=None if self.firsts is None else tuple(n for n in self.firsts if first <= n <= last),
            ),
        )

    @cached_property
    def _offsets_differ(self) -> bool:
        return min(self.positions) >= 0 and len(set(self.positions)) == len(self.positions)

    def _time_tells(self, number: int) -> bool:
        """Whether a packet has a decode time of its own."""
        times = self.raw.dts
        return self._times_rise and times[number] not in (
            *times[max(0, number - 1) : number],
            *times[number + 1 : number + 2],
        )

    @cached_property
    def _times_rise(self) -> bool:
        return NONE not in self.raw.dts and all(map(le, self.raw.dts, islice(self.raw.dts, 1, None)))


def _known(time: int, other: int) -> int:
    return time if time != NONE else other if other != NONE else 0


@dataclass(frozen=True)
class Beginning:
    """What is learnt of a video stream from a freshly opened container."""

    stream: int
    format_name: str
    time_base: Fraction
    start: Start
    witness: Witness | None
    """MP4/MOV only."""
    codec: Codec


def read_beginning(container: InputContainer, stream: int) -> Beginning:
    """Take what `read_index` needs from a container that nothing was read from yet.

    Raises:
        SourceError: The stream is no video stream, or has no decoder.
    """
    video = _video(container.streams, stream)
    refuse_size(video.codec_context.width, video.codec_context.height)
    name, start = container.format.name, read_start(container, video)
    witness = None
    if name.startswith("mov"):
        witness = Witness(video.id, len(video.index_entries), sample_entries(video), start.packets)
    context = video.codec_context
    codec = Codec(context.name, bytes(context.extradata or b""))
    return Beginning(stream, name, cast("Fraction", video.time_base), start, witness, codec)


def read_index(
    file: BinaryIO, size: int, seen: Beginning, max_scan: int | None = None, sound: Sequence[int] = ()
) -> VideoIndex:
    """Read the index of a video stream of a source of `size` bytes, or scan it where there is none.

    Where there is none, sources of more than `max_scan` bytes are refused, and the packets of the audio streams `sound`
    are counted.

    Raises:
        SourceError: It cannot be opened, is encrypted, without timestamps, or has no pictures.
    """
    notes: list[Note] = []
    stream, format_name, time_base, first = seen.stream, seen.format_name, seen.time_base, seen.start.first
    torn = False
    if seen.witness is not None:
        try:
            index = _indexed(file, size, seen, seen.witness, notes)
        except SamplesBeyondError as error:
            index, torn = None, True
            notes.append(Note(kind="damaged", what="the index was not used and the file was scanned", why=str(error)))
        # What FFmpeg reads of a sample that is cut off is not in the index, so that a scan would count another one.
        if index is not None and index.lost:
            torn = doubt(file, index, seen.codec, seen.start.coded) is not None
        if index is not None and not torn and not index.edit.parts:
            return _from_mp4(file, size, index, seen, max_scan, notes)
        if index is not None and not torn and (found_parts := _from_parts(file, size, index, seen, notes)) is not None:
            return found_parts
    found, hearing = _scan(file, size, seen, max_scan, sound)
    shown = _from_first(found.shown, found.time_of(first), time_base, notes)
    _note_duplicates(found.duplicates, notes)
    order = Order(found.samples, shown, time_base)
    cut = _proven_cut(file, size, stream, format_name, found, order, notes)
    access: Access = "spliced" if cut else "whole"
    numbering = None if found.timed.own else Numbering(found.raw, found.positions, found.timed.times)
    lost = find_gaps(file, size, format_name, found, shown, time_base)
    tail = unreadable_tail(file, size, format_name, found.positions[-1], found.samples.sizes[-1])
    notes += (*found.notes, *gap_notes(lost), *spoilt_notes(lost, found, shown, time_base))
    left_out = found.duplicates + len(found.timed.late) + len(found.shown) - len(shown)
    return VideoIndex(
        time_base, shown, found.end, access, True, tuple(notes), found.coded, left_out,
        found.breaks(time_base), lost, tail, order, cut, numbering, hearing, _captions(found, time_base), torn=torn,
    )  # fmt: skip


def _scan(
    file: BinaryIO, size: int, seen: Beginning, max_scan: int | None, sound: Sequence[int] = ()
) -> tuple[Scan, Hearing]:
    if max_scan is not None and size > max_scan:
        raise SourceError(
            "source-too-large-to-scan",
            f"it has no usable index ({seen.format_name}), so {size} bytes would be read to plan it; "
            f"the cap is {max_scan}",
            "remux it: ffmpeg -i SOURCE -c copy OUT.mp4 (without '-c copy' where MP4 does not take its codecs)",
        )
    with open_media(file) as container:
        hearing = Hearing(container, sound)
        found = scan(container, _video(container.streams, seen.stream), size, hearing)
        hearing.close()
    if not found.shown:
        raise SourceError("no-pictures", f"video stream {seen.stream} has no pictures", "check the source in a player")
    joined: dict[int, int] = {}
    if seen.format_name == "mpegts":
        joined = joins(file, found.corrupt, found.positions, found.raw.dts, found.timed)
    corrupt = tuple(number for number in found.corrupt if number not in joined)
    more = (
        *join_notes(joined.values(), found.timed, seen.time_base),
        *corrupt_notes(corrupt, found.timed, seen.time_base),
    )
    return replace(found, corrupt=corrupt, notes=(*found.notes, *more)), hearing


def _video(streams: object, number: int) -> VideoStream:
    chosen = list(cast("list[object]", streams))[number : number + 1]
    if not chosen or not isinstance(chosen[0], VideoStream):
        raise SourceError("no-pictures", f"stream {number} is no video stream", "choose a video stream of the source")
    if cast("object", chosen[0].codec_context) is None:
        raise SourceError(
            "no-decoder", f"there is no decoder for video stream {number}", "convert it to H.264 or another open codec"
        )
    return chosen[0]


def _indexed(file: BinaryIO, size: int, seen: Beginning, witness: Witness, notes: list[Note]) -> Mp4Index | None:
    """Return the MP4's own index where it is usable and FFmpeg reads it the same way."""
    try:
        index = parse_source(file, size, witness)
    except TooManySamplesError:
        refuse_claims(PICTURES + 1, 0, size)
        raise
    except SamplesBeyondError:
        raise
    except HiddenError as error:
        raise hidden(error) from error
    except BoxError as error:
        notes.append(Note(kind="info", what="the index was not used and the file was scanned", why=str(error)))
        return None
    if index is None:
        return None  # fragmented: there is no index
    refuse_claims(len(index.samples), sum(index.samples.sizes), size)
    reason = disagreement(index, _unedited(file, seen) if index.edit.parts else witness)
    if reason and index.lost:
        raise SamplesBeyondError(f"samples lie beyond the end of the file, and {reason}")
    if reason:
        notes.append(Note(kind="info", what="the index was not used and the file was scanned", why=reason))
        return None
    return index


def _unedited(file: BinaryIO, seen: Beginning) -> Witness:
    """Return what FFmpeg says of a track where it leaves the edit list alone."""
    with open_media(file, edited=False) as container:
        witness = read_beginning(container, seen.stream).witness
    assert witness is not None
    return witness


def _from_parts(file: BinaryIO, size: int, index: Mp4Index, seen: Beginning, notes: list[Note]) -> VideoIndex | None:
    """Return the index of a track whose edit list has several parts; ``None``: FFmpeg has to read it."""
    try:
        base, laid = seen.time_base, arrange(index)
    except HiddenError as error:
        raise hidden(error) from error
    except TooManySamplesError:
        refuse_claims(PICTURES + 1, 0, size)
        raise
    order = Order(laid.samples, laid.shown, base)
    raw = laid.index.samples
    cut = Slicer(laid.index).cut
    reason = doubt(file, index, seen.codec, seen.start.coded)
    if index.lost:
        reason = "samples lie beyond the end of the file"
    if reason is None and not reproduces(file, 0, order, cut, sliced=True, raw=raw):
        reason = "slices of its parts do not read like the whole"
    if reason is not None:
        notes.append(Note(kind="info", what="the parts of the edit list are FFmpeg's reading", why=reason))
        return None
    numbering = Numbering(
        raw,
        array("q", map(laid.index.offset, range(len(raw)))),
        array("q", (NONE if time is None else time for time in laid.times)),
        laid.firsts,
    )
    coded = sum(time is not None for time in laid.times)
    twice = coded - len(laid.shown)
    _note_duplicates(twice, notes)
    notes += part_notes(laid, base)
    lost = tuple(gap for gap in find_holes(laid.shown, base) if not _between(gap, laid, base))
    return VideoIndex(
        base, laid.shown, laid.end, "sliced", False, (*notes, *gap_notes(lost)), coded, twice, (), lost, None,
        order, cut, numbering, None, _sampled_captions(file, index, base),
        edits=tuple(EditPart(at=one.at, begin=one.begin, end=one.end) for one in laid.parts),
    )  # fmt: skip


def _between(gap: Gap, laid: Arranged, time_base: Fraction) -> bool:
    """Whether a hole lies between two parts of an edit list, as a pause of it does."""
    begin = gap.start + laid.shown[0] * time_base
    return any(begin <= one.at * time_base <= begin + gap.seconds for one in laid.parts)


def _from_mp4(
    file: BinaryIO, size: int, index: Mp4Index, seen: Beginning, max_scan: int | None, notes: list[Note]
) -> VideoIndex:
    time_base, first = seen.time_base, seen.start.first
    numbering: Numbering | None = None
    breaks: tuple[ClockBreak, ...] = ()
    samples, promised, end, twice = index.samples, index.shown, 0, index.duplicates
    assert seen.witness is not None
    coded = len(index.shown) + twice
    if coded == len(samples):  # nothing is hidden by an edit list
        coded = seen.witness.entries - index.lost
    scanned = doubt(file, index, seen.codec, seen.start.coded) is not None
    if scanned:
        found, _ = _scan(file, size, seen, max_scan)
        coded, twice = found.coded, found.duplicates + len(found.timed.late)
        if not found.timed.own:
            if found.samples.sizes != samples.sizes:
                raise SourceError(
                    "index-disagrees",
                    "FFmpeg reads other samples than the index has, and their times cannot be used",
                    f"encode it anew: {ENCODE}",
                )
            numbering = Numbering(found.raw, found.positions, found.timed.times)
            breaks = found.breaks(time_base)
            samples, promised, end, first = found.samples, found.shown, found.end, found.time_of(first)
        notes += found.notes
    shown = _from_first(promised, first, time_base, notes)
    left_out = twice + len(promised) - len(shown)
    _note_duplicates(index.duplicates, notes)
    notes += hidden_notes(index)
    order = Order(samples, shown, time_base)
    lost = find_holes(shown, time_base)
    cut = Slicer(index).cut
    access: Access = "sliced"
    usable: Cut | None = cut
    if not reproduces(file, 0, Order(index.samples, index.shown, time_base), cut, sliced=True):
        why = "a slice of it does not read like the whole"
        notes.append(Note(kind="info", what="every task opens the whole file and seeks in it", why=why))
        access, usable = "whole", None
    end = end or index.end(shown[-1])
    if index.lost and index.full > end:
        why = f"{index.lost} samples lie beyond the end of the file, which was cut off"
        lost += (Gap(start=(end - shown[0]) * time_base, seconds=(index.full - end) * time_base, why=why, damage=True),)
    every = (*notes, *gap_notes(lost))
    return VideoIndex(
        time_base,
        shown,
        end,
        access,
        scanned,
        every,
        coded,
        left_out,
        breaks,
        lost,
        None,
        order,
        usable,
        numbering,
        None,
        _sampled_captions(file, index, time_base),
        index.missing,
        late=index.edit.late if numbering is None else 0,
    )


def _captions(found: Scan, time_base: Fraction) -> str | None:
    if found.captions is None:
        return None
    return f"from {seconds(max(0, found.samples.pts[found.captions] - found.shown[0]), time_base)}"


LOOKED_AT = 12
"""Samples of an indexed file that are searched for captions."""
SEARCHED = 4096
"""Bytes of each: messages come before pictures."""


def _sampled_captions(file: BinaryIO, index: Mp4Index, time_base: Fraction) -> str | None:
    """Look for captions in a few samples, spread from the first to the last."""
    count = len(index.samples)
    for number in sorted({step * (count - 1) // (LOOKED_AT - 1) for step in range(LOOKED_AT)}):
        file.seek(index.offset(number))
        if has_captions(bytes(file.read(min(SEARCHED, index.samples.sizes[number])))):
            return f"seen at {seconds(max(0, index.samples.pts[number] - index.shown[0]), time_base)}"
    return None


def _proven_cut(
    file: BinaryIO, size: int, stream: int, format_name: str, found: Scan, order: Order, notes: list[Note]
) -> Cut | None:
    """Return a way to cut the container that gives the packets of the whole file, or ``None``."""
    positions = found.positions.tolist()
    cutters: tuple[containers.Cutter, ...] = ()
    if format_name.startswith("mov"):
        cutters = containers.fragmented_mp4(file, size, positions)
    elif format_name.startswith("matroska"):
        cutters = containers.matroska(file, size, positions)
    elif format_name == "mpegts":
        cutters = containers.mpegts(file, size, positions)
    for cutter in cutters:
        cut = _scanned_cut(found, cutter)
        raw = None if found.timed.own else found.raw
        if reproduces(file, stream, order, cut, sliced=False, raw=raw):
            return cut
    why = "no cut of it reads like the whole" if cutters else f"{format_name} cannot be cut"
    notes.append(Note(kind="info", what="every task opens the whole file and seeks in it", why=why))
    return None


def _scanned_cut(found: Scan, cutter: containers.Cutter) -> Cut:
    def cut(first: int, last: int) -> Splice | None:
        stop = found.positions[last + 1] if last + 1 < len(found.positions) else None
        return cutter(found.positions[first], stop)

    return cut


def _from_first(shown: Sequence[int], first: int | None, time_base: Fraction, notes: list[Note]) -> Sequence[int]:
    """Leave out what no decoder can show: pictures before the first one that comes out (a cut stream's open GOP)."""
    if first is None or first <= shown[0] or first not in shown:
        return shown
    kept = array("q", (time for time in shown if time >= first))
    notes.append(
        Note(
            kind="dropped",
            what=f"{len(shown) - len(kept)} pictures at the start, from {seconds(shown[0], time_base)}",
            why=f"nothing to decode them from precedes them; the first picture is at {seconds(first, time_base)}",
        )
    )
    return kept


def _note_duplicates(count: int, notes: list[Note]) -> None:
    if count:
        notes.append(
            Note(kind="dropped", what=f"{count} pictures", why="another picture has the same presentation time")
        )
