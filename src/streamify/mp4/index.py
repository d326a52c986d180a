"""All samples of one MP4/MOV track, with their times after the edit list."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice, repeat
from operator import add, lt

from streamify.errors import SourceError
from streamify.mp4.boxes import Box, BoxError, boxes, well_formed
from streamify.mp4.composition import Composed, coded, evenly
from streamify.mp4.handlers import is_unprotected
from streamify.mp4.movie import Track, children
from streamify.mp4.samples import Samples
from streamify.mp4.tables import (
    Chunks,
    OddTableError,
    SamplesBeyondError,
    entries_of,
    expand,
    read_chunks,
    read_keys,
    read_sizes,
)

BLOCK = 1024
"""Samples whose sizes are added up once."""


class HiddenError(OddTableError):
    """The edit list shows none of the samples.

    Args:
        begin: Where it begins, seconds of the media.
        first: Composition time of the first sample, seconds.
        last: That of the last one.
    """

    def __init__(self, begin: float, first: float, last: float) -> None:
        super().__init__(
            f"the edit list begins at {begin:.3f} s of the track, which has samples from {first:.3f} to {last:.3f} s"
        )


@dataclass(frozen=True)
class Shown:
    """A part of the track that an edit list of several parts shows; media ticks."""

    at: int
    """When it is shown."""
    begin: int
    """Composition time with which it begins."""
    end: int
    """Composition time in front of which it ends."""
    tick: int
    """Ticks to which its length may be rounded."""


@dataclass(frozen=True)
class Edit:
    """The edit list, as FFmpeg's mov demuxer applies it; media ticks."""

    shift: int
    """Added to composition times."""
    first: int
    """Composition times before it are not shown."""
    end: int | None
    """Composition times from it on are not shown."""
    cuts: bool = False
    """Whether there are any."""
    late: int = 0
    """By how much later than that the edit list shows all samples (ISO/IEC 14496-12, 8.6.6): FFmpeg moves the first one
    to the beginning of the edit, also where it is composed after that."""
    parts: tuple[Shown, ...] = ()
    """Where there are several parts: these. All other fields are as without an edit list."""


@dataclass(frozen=True)
class Mp4Index:
    """All samples of a track."""

    track: Track
    timescale: int
    """Ticks per second."""
    samples: Samples
    durations: array[int]
    offsets: array[int] | None
    """Composition offsets as the file has them; ``None``: none."""
    delay: int
    """What makes the least of them 0 where it is negative."""
    chunks: Chunks
    ends: array[int]
    """Where each chunk's bytes end in the file."""
    edit: Edit
    shown: Sequence[int]
    """Sorted, distinct presentation times of the samples that the edit list shows."""
    duplicates: int
    """How many shown samples share a presentation time with another."""
    lost: int = 0
    """How many samples more the tables name, which lie beyond the end of the file."""
    missing: int = 0
    """Bytes that the file lacks for them."""
    full: int = 0
    """End of the last sample that is shown of the whole file, ticks."""

    def delays(self, first: int, stop: int) -> array[int]:
        """Return the time from decoding to showing of samples `first` to `stop` (exclusive); never negative."""
        if self.offsets is None:
            return array("I", bytes(4 * (stop - first)))
        offsets = self.offsets[first:stop]
        # As FFmpeg reports both times.
        return array("I", map(add, offsets, repeat(self.delay))) if self.delay else offsets

    def offset(self, sample: int) -> int:
        """Return where a sample's bytes begin in the file."""
        chunk, first, _ = self.chunks.chunk_of(sample)
        if sample - first <= BLOCK:
            return self.chunks.offsets[chunk] + sum(self.samples.sizes[first:sample])
        return self.chunks.offsets[chunk] + self._before(sample) - self._before(first)

    def _before(self, sample: int) -> int:
        """Return the bytes of all samples before one: a file whose samples are one chunk asks for thousands."""
        block = sample // BLOCK
        return self._blocks[block] + sum(self.samples.sizes[block * BLOCK : sample])

    @cached_property
    def _blocks(self) -> list[int]:
        sizes = self.samples.sizes
        return list(accumulate((sum(sizes[at : at + BLOCK]) for at in range(0, len(sizes), BLOCK)), initial=0))

    def end(self, last: int) -> int:
        """Return the end of the picture at `last`, the last one shown, ticks."""
        number = next(n for n in range(len(self.samples) - 1, -1, -1) if self.samples.pts[n] == last)
        end = last + max(self.durations[number], 1)
        return end if self.edit.end is None else min(end, self.edit.end + self.edit.shift)


@well_formed()
def parse(track: Track, size: int) -> Mp4Index:
    """Expand a track's tables up to the last sample that a file of `size` bytes holds.

    Raises:
        OddTableError: They need the whole file and FFmpeg's own reading of it.
        BoxError: They are damaged.
        SourceError: ``source-encrypted``.
    """
    data = track.trak
    mdia, stbl = children(data, "mdia"), children(data, "mdia/minf/stbl")
    timescale = _timescale(data, mdia)
    for kind in (b"stsd", b"stts", b"stsz", b"stsc"):
        if kind not in stbl and not (kind == b"stsz" and b"stz2" in stbl):
            raise BoxError(f"no {kind.decode()} box")
    _check_description(data, stbl[b"stsd"])
    sizes = read_sizes(data, stbl)
    count = len(sizes)
    if not count:
        raise OddTableError("the track has no samples")
    chunks = read_chunks(data, stbl, count)
    ends = chunks.ends(sizes)
    held = chunks.held(sizes, ends, size)
    if held is None:
        raise SamplesBeyondError("samples lie beyond the end of the file, and others behind them do not")
    if not held:
        raise OddTableError("all samples lie beyond the end of the file")
    missing = max(ends) - size if held < count else 0
    durations = expand(data, stbl[b"stts"], count, "stts")
    total = sum(durations) if held < count else 0
    lost, sizes, durations = count - held, sizes[:held], durations[:held]
    if lost:
        chunks = read_chunks(data, stbl, held)
        ends = chunks.ends(sizes)
    raw = _decode_times(durations)
    if (max(durations[0], durations[-1]) if isinstance(raw, range) else max(durations)) >= 1 << 31:
        raise OddTableError("a sample has a negative duration")
    offsets = expand(data, stbl[b"ctts"], count, "ctts", signed=True)[:held] if b"ctts" in stbl else None
    span, least, even = (raw[0], raw[-1]), 0, None
    if offsets is not None:
        least, span, even = _composition(raw, offsets)
    delay = -min(least, 0)
    edit = _edit(data, children(data), track.timescale, timescale, raw, offsets, span)
    moved = _moved(raw, edit.shift)
    pts: Sequence[int]
    if offsets is None:
        pts = times = moved
    elif even is not None:
        pts, times = Composed(moved, offsets, least), _moved(even, edit.shift)
    else:
        times = list(map(add, moved, offsets))
        pts = array("q", times)  # an eighth of the memory
    shown = _shown(times, edit, span)
    distinct = _distinct(shown if isinstance(shown, range) else sorted(shown))
    dts = moved if not delay else _moved(raw, edit.shift - delay)
    return Mp4Index(
        track,
        timescale,
        Samples(pts, dts, sizes, read_keys(data, stbl, held)),
        durations,
        offsets,
        delay,
        chunks,
        ends,
        edit,
        distinct,
        len(shown) - len(distinct),
        lost,
        missing,
        (span[0] + total if edit.end is None else min(span[0] + total, edit.end)) + edit.shift,
    )


def _decode_times(durations: array[int]) -> Sequence[int]:
    """Return the decode time of each sample from 0; a range where all durations but the last are equal."""
    steps = durations[:-1]
    if steps and steps[0] and steps == steps[:1] * len(steps):
        return range(0, steps[0] * len(durations), steps[0])
    return array("q", accumulate(steps, initial=0))


def _composition(raw: Sequence[int], offsets: array[int]) -> tuple[int, tuple[int, int], range | None]:
    """Return the least offset, the least and the greatest composition time, and all of these in order where evenly."""
    code = coded(offsets)
    values = set(offsets) if code is None else code[1].values()
    even = evenly(raw, *code) if code is not None and isinstance(raw, range) else None
    span = (even[0], even[-1]) if even is not None else _span(raw, offsets, min(values), max(values))
    return min(values), span, even


def _span(raw: Sequence[int], offsets: array[int], least: int, greatest: int) -> tuple[int, int]:
    """Return the least and the greatest composition time. Only samples near the ends of `raw` can have them."""
    head = bisect_right(raw, raw[0] + offsets[0] - least)
    tail = bisect_left(raw, raw[-1] + offsets[-1] - greatest)
    return min(map(add, raw[:head], offsets)), max(map(add, raw[tail:], offsets[tail:]))


def _distinct(times: range | list[int]) -> Sequence[int]:
    """Return sorted times without repetitions; a range where they are evenly spread, as most are."""
    steps = len(times) - 1
    if steps < 1 or isinstance(times, range):
        return times
    step, rest = divmod(times[-1] - times[0], steps)
    even = range(times[0], times[-1] + 1, step) if step and not rest else range(0)
    if times == list(even):
        return even
    rising = all(map(lt, times, islice(times, 1, None)))
    return array("q", times if rising else sorted(set(times)))


def _timescale(data: bytes, mdia: dict[bytes, Box]) -> int:
    if b"mdhd" not in mdia:
        raise BoxError("no mdhd box")
    body = mdia[b"mdhd"].body
    (timescale,) = struct.unpack_from(">I", data, body + (20 if data[body] else 12))
    if not timescale:
        raise OddTableError("the track has no timescale")
    return int(timescale)


def _check_description(data: bytes, stsd: Box) -> None:
    entries = list(boxes(data, stsd.body + 8, stsd.end))
    if len(entries) != 1:
        raise OddTableError(f"the track has {len(entries)} sample descriptions")
    if entries[0].kind == b"encv" and is_unprotected(data):
        raise OddTableError("its samples are described as encrypted ones, and are not")
    if entries[0].kind == b"encv":
        raise SourceError("source-encrypted", "the video is encrypted", "decrypt it first, or give a copy without DRM")
    if entries[0].kind == b"vp08":
        raise OddTableError("VP8 samples may show nothing, which only their bytes tell")


def _edit(
    data: bytes,
    top: dict[bytes, Box],
    movie_timescale: int,
    timescale: int,
    raw: Sequence[int],
    offsets: array[int] | None,
    span: tuple[int, int],
) -> Edit:
    """Mirror `mov_fix_index` of FFmpeg for an optional empty edit before one plain edit.

    Args:
        data: The trak box.
        top: Its children.
        movie_timescale: Of the edit list's lengths, ticks per second.
        timescale: Of the track, ticks per second.
        raw: Decode times before the edit.
        offsets: From there to composition times; ``None``: there are none.
        span: Least and greatest composition time.
    """
    elst = children(data, "edts").get(b"elst") if b"edts" in top else None
    if elst is None:
        return Edit(0, span[0], None)
    wide = data[elst.body] == 1
    count, start = entries_of(data, elst, 20 if wide else 12, "elst")
    edits = [
        struct.unpack_from(">QqI" if wide else ">IiI", data, start + (20 if wide else 12) * n) for n in range(count)
    ]
    if not edits:
        return Edit(0, span[0], None)
    shown_from = next((at for at, one in enumerate(edits) if one[1] != -1), len(edits))
    if shown_from and not movie_timescale:
        raise OddTableError("the movie has no timescale")
    if sum(one[1] != -1 for one in edits) > 1:
        return Edit(0, span[0], None, parts=tuple(_parts(edits, timescale, movie_timescale)))
    empty = sum(_rescale(one[0], timescale, movie_timescale) for one in edits[:shown_from])
    edits = edits[shown_from : shown_from + 1]
    if not edits:
        raise OddTableError("the edit list has no part that is shown")
    length, begin, rate = edits[0]
    if rate != 0x10000 or begin < 0 or not movie_timescale:
        raise OddTableError("the edit list has a part with another rate")
    # Without length it runs to the end of the film; FFmpeg is given a length for it (`corrections`).
    end = begin + _rescale(length, timescale, movie_timescale) if length else max(begin, span[1]) + 1
    if offsets is None:  # in order of time, as sound is
        first = bisect_left(raw, begin)
        shown: Sequence[int] = range(first, bisect_left(raw, end))
        least = raw[first] if shown else 0
    elif begin <= span[0] and end > span[1]:
        first, shown, least = 0, range(len(raw)), span[0]
    else:
        composed = list(map(add, raw, offsets))
        shown = [number for number, time in enumerate(composed) if begin <= time < end]
        first, least = (shown[0], min(composed[number] for number in shown)) if shown else (0, 0)
    if not shown:
        raise HiddenError(begin / timescale, span[0] / timescale, span[1] / timescale)
    anchor = raw[first]  # the first shown sample in decode order keeps its place
    shift = empty - max(least, anchor)
    if abs(shift) >= 1 << 62:
        raise OddTableError("the edit list moves the track beyond all time")
    return Edit(shift, begin, end, end <= span[1], empty - begin - shift)


def _parts(edits: Sequence[tuple[int, int, int]], timescale: int, movie_timescale: int) -> Iterator[Shown]:
    """Yield what is shown; an edit without length is none.

    Args:
        edits: Length, first media time (-1: nothing is shown) and rate of each.
        timescale: Of the track, ticks per second.
        movie_timescale: Of the lengths, ticks per second.
    """
    passed = 0
    for length, begin, rate in edits:
        if begin != -1 and (rate != 0x10000 or begin < 0 or not movie_timescale):
            raise OddTableError("the edit list has a part with another rate")
        if begin != -1 and length:
            at, following = (_rescale(ticks, timescale, movie_timescale) for ticks in (passed, passed + length))
            yield Shown(at, begin, begin + following - at, -(-timescale // movie_timescale))
        passed += length


def _shown(pts: Sequence[int], edit: Edit, span: tuple[int, int]) -> Sequence[int]:
    end = edit.end
    if edit.first <= span[0] and (end is None or end > span[1]):
        return pts
    first, stop = edit.first + edit.shift, None if end is None else end + edit.shift
    if isinstance(pts, range):
        return pts[bisect_left(pts, first) : None if stop is None else bisect_left(pts, stop)]
    return array("q", (time for time in pts if first <= time and (stop is None or time < stop)))


def _moved(times: Sequence[int], by: int) -> Sequence[int]:
    if isinstance(times, range):
        return range(times.start + by, times.stop + by, times.step)
    return array("q", map(add, times, repeat(by))) if by else times


def _rescale(value: int, to: int, base: int) -> int:
    """Return ``value * to / base`` rounded half away from zero, as `av_rescale` does."""
    return (2 * value * to + base) // (2 * base)
