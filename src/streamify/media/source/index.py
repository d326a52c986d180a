"""What a video stream promises, and where the bytes of any window of it are."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, Literal, cast

from av.container import InputContainer
from av.video.stream import VideoStream

from streamify.errors import SourceError
from streamify.media.source import cutters as containers
from streamify.media.source.opening import open_media
from streamify.media.source.proof import Cut, reproduces
from streamify.media.source.scan import Scan, Start, read_start, scan, seconds
from streamify.media.source.witness import Witness, disagreement, parse_source, sample_entries
from streamify.model.plan import EntryPoint, Splice
from streamify.model.source import Note
from streamify.mp4.boxes import BoxError
from streamify.mp4.index import Mp4Index
from streamify.mp4.samples import Order
from streamify.mp4.slice import Slicer

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
    _order: Order = field(repr=False)
    _cut: Cut | None = field(repr=False)

    def weight(self, start: int, end: int | None) -> int:
        """Return about how many bytes of the source show ``[start, end)`` (source ticks)."""
        return self._order.weight(start, end)

    def locate(self, start: int, end: int | None) -> tuple[tuple[EntryPoint, ...], Splice | None]:
        """Return where decoding for ``[start, end)`` (source ticks) may begin, nearest first, and where the bytes are.

        The stream's first packet in the splice is that of the farthest entry point. The splice holds what the window
        and the two pictures after it need. ``end=None``: to the end of the stream. No splice: the whole file is opened
        and sought in.
        """
        samples = self._order.samples
        numbers = self._order.entries(start)
        entries = tuple(EntryPoint(pts=samples.pts[number], dts=samples.dts[number]) for number in numbers)
        last = max(self._order.last(end), numbers[0])
        return entries, self._cut(numbers[-1], last) if self._cut else None


@dataclass(frozen=True)
class Beginning:
    """What is learnt of a video stream from a freshly opened container."""

    stream: int
    format_name: str
    time_base: Fraction
    start: Start
    witness: Witness | None
    """MP4/MOV only."""


def read_beginning(container: InputContainer, stream: int) -> Beginning:
    """Take what `read_index` needs from a container that nothing was read from yet.

    Raises:
        SourceError: The stream is no video stream, or has no decoder.
    """
    video = _video(container.streams, stream)
    name, start = container.format.name, read_start(container, video)
    witness = None
    if name.startswith("mov"):
        witness = Witness(video.id, len(video.index_entries), sample_entries(video), start.packets)
    return Beginning(stream, name, cast("Fraction", video.time_base), start, witness)


def read_index(file: BinaryIO, size: int, seen: Beginning, max_scan: int | None = None) -> VideoIndex:
    """Read the index of a video stream of a source of `size` bytes, or scan it where there is none.

    Where there is none, sources of more than `max_scan` bytes are refused.

    Raises:
        SourceError: It cannot be opened, is cut off, encrypted, without timestamps, or has no pictures.
    """
    notes: list[Note] = []
    stream, format_name, time_base, first = seen.stream, seen.format_name, seen.time_base, seen.start.first
    if seen.witness is not None:
        index = _indexed(file, size, seen.witness, notes)
        if index is not None:
            return _from_mp4(file, index, time_base, first, notes)
    if max_scan is not None and size > max_scan:
        raise SourceError(
            "source-too-large-to-scan",
            f"it has no usable index ({format_name}), so {size} bytes would be read to plan it; the cap is {max_scan}",
            "remux it: ffmpeg -i SOURCE -c copy OUT.mp4",
        )
    with open_media(file) as container:
        found = scan(container, _video(container.streams, stream))
    if not found.shown:
        raise SourceError("no-pictures", f"video stream {stream} has no pictures", "check the source in a player")
    shown = _from_first(found.shown, first, time_base, notes)
    _note_duplicates(found.duplicates, notes)
    order = Order(found.samples, shown, time_base)
    cut = _proven_cut(file, size, stream, format_name, found, order, notes)
    access: Access = "spliced" if cut else "whole"
    return VideoIndex(time_base, shown, found.end, access, True, (*notes, *found.notes), order, cut)


def _video(streams: object, number: int) -> VideoStream:
    chosen = list(cast("list[object]", streams))[number : number + 1]
    if not chosen or not isinstance(chosen[0], VideoStream):
        raise SourceError("no-pictures", f"stream {number} is no video stream", "choose a video stream of the source")
    if cast("object", chosen[0].codec_context) is None:
        raise SourceError(
            "no-decoder", f"there is no decoder for video stream {number}", "convert it to H.264 or another open codec"
        )
    return chosen[0]


def _indexed(file: BinaryIO, size: int, witness: Witness, notes: list[Note]) -> Mp4Index | None:
    """Return the MP4's own index where it is usable and FFmpeg reads it the same way."""
    try:
        index = parse_source(file, size, witness)
    except BoxError as error:
        notes.append(Note(kind="info", what="the index was not used and the file was scanned", why=str(error)))
        return None
    if index is None:
        return None  # fragmented: there is no index
    reason = disagreement(index, witness)
    if reason:
        notes.append(Note(kind="info", what="the index was not used and the file was scanned", why=reason))
        return None
    return index


def _from_mp4(file: BinaryIO, index: Mp4Index, time_base: Fraction, first: int | None, notes: list[Note]) -> VideoIndex:
    shown = _from_first(index.shown, first, time_base, notes)
    _note_duplicates(index.duplicates, notes)
    order = Order(index.samples, shown, time_base)
    cut = Slicer(index).cut
    access: Access = "sliced"
    usable: Cut | None = cut
    if not reproduces(file, 0, order, cut, sliced=True):
        why = "a slice of it does not read like the whole"
        notes.append(Note(kind="info", what="every task opens the whole file and seeks in it", why=why))
        access, usable = "whole", None
    return VideoIndex(time_base, shown, index.end(shown[-1]), access, False, tuple(notes), order, usable)


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
        if reproduces(file, stream, order, cut, sliced=False):
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
