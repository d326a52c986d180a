"""The index of a video track of an MP4 or MOV that has one: its own tables, held against FFmpeg's reading of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import BinaryIO

from streamify.bitstream.captions import ESCAPED
from streamify.bitstream.packets import NONE
from streamify.errors import SourceError
from streamify.media.source.beginning import VideoStart, read_beginning
from streamify.media.source.captions import LOOKED_AT, SEARCHED, Captions, sampled
from streamify.media.source.doubt import doubt
from streamify.media.source.edit_notes import hidden_notes, part_notes
from streamify.media.source.gaps import find_holes, gap_notes
from streamify.media.source.no_media import ENCODE
from streamify.media.source.opening import open_media
from streamify.media.source.plausible import refuse_claims
from streamify.media.source.proof import Cut, reproduces
from streamify.media.source.scan import seconds
from streamify.media.source.scanned import from_first, note_duplicates, scan_source
from streamify.media.source.true_keys import with_true_keys
from streamify.media.source.video_index import Access, Numbering, VideoIndex
from streamify.media.source.witness import Witness, disagreement, hidden, parse_source
from streamify.model.limits import PICTURES
from streamify.model.source import ClockBreak, EditPart, Gap, Note
from streamify.mp4.boxes import BoxError
from streamify.mp4.index import HiddenError, Mp4Index
from streamify.mp4.parts import Arranged, arrange
from streamify.mp4.samples import Order
from streamify.mp4.slice import Slicer
from streamify.mp4.tables import SamplesBeyondError, TooManySamplesError

COMPARED = 64 << 20
"""Bytes read at most of samples that are shown at the same time."""
TELLING = 64
"""Bytes from which on a sample is not that of another picture: those in which nothing changes are alike."""


def parse_index(file: BinaryIO, size: int, seen: VideoStart, witness: Witness, notes: list[Note]) -> Mp4Index | None:
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


def _unedited(file: BinaryIO, seen: VideoStart) -> Witness:
    """Return what FFmpeg says of a track where it leaves the edit list alone."""
    with open_media(file, edited=False) as container:
        witness = read_beginning(container, seen.stream).witness
    assert witness is not None
    return witness


def from_parts(file: BinaryIO, size: int, index: Mp4Index, seen: VideoStart, notes: list[Note]) -> VideoIndex | None:
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
        firsts=laid.firsts,
    )
    counted = [time for time in laid.times if time is not None]
    coded = len(counted)
    twice = coded - len(laid.shown)
    note_duplicates(twice, notes)
    notes += part_notes(laid, base)
    lost = tuple(gap for gap in find_holes(laid.shown, base) if not _between(gap, laid, base))
    return VideoIndex(
        base, laid.shown, laid.end, "sliced", False, (*notes, *gap_notes(lost)), coded, twice, (), lost, None,
        order, cut, numbering, None, _sampled_captions(file, index, base, seen),
        edits=tuple(EditPart(at=one.at, begin=one.begin, end=one.end) for one in laid.parts),
        count=partial(_count, counted),
    )  # fmt: skip


def _count(times: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Return how many pictures of parts are in ``[start, end)``, and how many of them are shown twice."""
    inside = [time for time in times if start <= time < end]
    return len(inside), len(inside) - len(set(inside))


def _between(gap: Gap, laid: Arranged, time_base: Fraction) -> bool:
    """Whether a hole lies between two parts of an edit list, as a pause of it does."""
    begin = gap.start + laid.shown[0] * time_base
    return any(begin <= one.at * time_base <= begin + gap.seconds for one in laid.parts)


def from_mp4(
    file: BinaryIO, size: int, index: Mp4Index, seen: VideoStart, max_scan: int | None, notes: list[Note]
) -> VideoIndex:
    """Return the index of a track without an edit list of several parts; arguments and errors as `read_index`."""
    time_base, first = seen.time_base, seen.start.first
    numbering: Numbering | None = None
    breaks: tuple[ClockBreak, ...] = ()
    samples, promised, end, twice = index.samples, index.shown, 0, index.duplicates
    assert seen.witness is not None
    coded = len(index.shown) + twice
    if coded == len(samples):  # nothing is hidden by an edit list
        coded = seen.witness.entries - index.lost
    scanned = doubt(file, index, seen.codec, seen.start.coded) is not None
    count: Callable[[int, int], tuple[int, int]] | None = None
    if scanned:
        found, _ = scan_source(file, size, seen, max_scan)
        coded, twice = found.coded, found.left_out
        count = found.within
        if not found.timed.own:
            if found.samples.sizes != samples.sizes:
                raise SourceError(
                    "index-disagrees",
                    "FFmpeg reads other samples than the index has, and their times cannot be used",
                    f"encode it anew: {ENCODE}",
                )
            numbering = Numbering(found.raw, found.positions, found.timed.times)
            breaks = found.breaks(time_base)
            samples, promised, end, first = found.samples, found.shown, found.end, found.time_of_first(seen.start)
        notes += found.notes
    samples = with_true_keys(file, seen, samples, notes)
    shown = from_first(promised, first, time_base, notes)
    left_out = twice + len(promised) - len(shown)
    note_duplicates(index.duplicates, notes, repeated=_repeated(file, index))
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
        _sampled_captions(file, index, time_base, seen),
        index.missing,
        late=index.edit.late if numbering is None else 0,
        count=count,
    )


def _repeated(file: BinaryIO, index: Mp4Index) -> int:
    """Return how many samples hold the same bytes as another that is shown at the same time, as far as it is read."""
    if not index.duplicates:
        return 0
    shown, first = set(index.shown), dict[int, int]()
    found, left = 0, COMPARED

    def read(number: int) -> bytes:
        file.seek(index.offset(number))
        return bytes(file.read(index.samples.sizes[number]))

    for number, time in enumerate(index.samples.pts):
        size, before = index.samples.sizes[number], first.setdefault(time, number)
        alike = before != number and time in shown and size == index.samples.sizes[before]
        if alike and TELLING <= size <= left // 2:
            left -= 2 * size
            found += read(before) == read(number)
    return min(found, index.duplicates)


def _sampled_captions(file: BinaryIO, index: Mp4Index, time_base: Fraction, seen: VideoStart) -> Captions | None:
    """Look for captions in a few places, spread from the first sample to the last."""
    count = len(index.samples)

    def read(number: int) -> bytes:
        file.seek(index.offset(number))
        return bytes(file.read(SEARCHED))

    places = sorted({step * (count - 1) // (LOOKED_AT - 1) for step in range(LOOKED_AT)})
    found = sampled(seen.start.captions, places, read, escaped=seen.codec.name in ESCAPED)
    if found is None:
        return None
    at = seconds(max(0, index.samples.pts[found[0]] - index.shown[0]), time_base)
    return Captions(found[1], f"seen at {at}")
