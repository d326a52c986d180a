"""A slice: a small MP4 file, made of a new index over a few samples and a range of the source's bytes.

The sample description is copied byte for byte, so codec tag, HDR metadata and display matrix survive. Decode times
begin at 0 with the first sample; readers add the source's decode time of that sample.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import groupby, repeat
from operator import add

from streamify.model.plan import Inline, Range, Splice
from streamify.mp4.boxes import box, full_box
from streamify.mp4.index import Mp4Index
from streamify.mp4.movie import children, whole

MAX_SAMPLES = 20_000
"""A slice that needs more (keyframes minutes apart) would cost too much; the whole file is sought in instead."""

MDAT = struct.pack(">I4sQ", 1, b"mdat", 16)
"""Header of the sample data, which needs no true size."""

_COPIED = (b"tkhd", b"uuid", b"tapt")
_DINF = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))


class Slicer:
    """Cuts slices out of one track."""

    def __init__(self, index: Mp4Index) -> None:
        data = index.track.trak
        trak, mdia, minf = children(data), children(data, "mdia"), children(data, "mdia/minf")
        self._index = index
        self._stsd = whole(data, children(data, "mdia/minf/stbl")[b"stsd"])
        self._media_header = b"".join(whole(data, minf[kind]) for kind in (b"vmhd", b"smhd", b"gmhd") if kind in minf)
        self._hdlr = whole(data, mdia[b"hdlr"]) if b"hdlr" in mdia else b""
        self._copied = b"".join(whole(data, trak[kind]) for kind in _COPIED if kind in trak and trak[kind].size <= 4096)
        self._front = index.track.ftyp
        self._mvhd = _mvhd(index.track.mvhd, index.timescale)

    def cut(self, first: int, last: int) -> Splice | None:
        """Return the slice of samples `first` to `last`, both included; ``None`` where it would be too large."""
        if last - first >= MAX_SAMPLES:
            return None
        offsets, counts, begin, end = self._chunks(first, last)
        head = self._header(first, last, counts)
        # The chunk offsets are the header's last field; only now is it known how far it moves the data.
        moved = array("Q", map(add, offsets, repeat(len(head) + 8 * len(offsets) - begin)))
        head = head[: -len(MDAT)] + _packed(moved) + MDAT
        return Splice(pieces=(Inline.of(head), Range(offset=begin, length=end - begin)), format="mov")

    def _chunks(self, first: int, last: int) -> tuple[array[int], list[int], int, int]:
        """Return where each chunk of the slice begins and its number of samples; where the bytes begin and end."""
        chunks, counts = self._index.chunks.between(first, last)
        offsets, sizes = self._index.chunks.offsets[chunks.start : chunks.stop], self._index.samples.sizes
        offsets[0] = self._index.offset(first)
        end = offsets[-1] + sum(sizes[last + 1 - counts[-1] : last + 1])
        return offsets, counts, min(offsets), max((end, *self._index.ends[chunks.start : chunks.stop - 1]))

    def _header(self, first: int, last: int, chunks: list[int]) -> bytes:
        index, stop = self._index, last + 1
        samples, durations = index.samples, index.durations[first:stop]
        keys = samples.keys_between(first, last)
        stbl = box(
            b"stbl",
            self._stsd,
            _runs(b"stts", durations),
            _runs(b"ctts", index.delays(first, stop)),
            _stss(keys, first, stop - first),
            _stsc(chunks),
            full_box(b"stsz", 0, 0, struct.pack(">II", 0, stop - first), _packed(samples.sizes[first:stop])),
            full_box(b"co64", 0, 0, struct.pack(">I", len(chunks)), bytes(8 * len(chunks))),
        )
        begin = samples.dts[first]
        length = samples.dts[last] - begin + durations[-1]
        mdhd = full_box(b"mdhd", 1, 0, struct.pack(">QQIQI", 0, 0, index.timescale, length, 0x55C40000))
        edts = self._edts(first, last, begin)
        media = box(b"mdia", mdhd, self._hdlr, box(b"minf", self._media_header, _DINF, stbl))
        moov = box(b"moov", self._mvhd, box(b"trak", self._copied, edts, media))
        return self._front + moov[: -8 * len(chunks)] + MDAT

    def _edts(self, first: int, last: int, base: int) -> bytes:
        """Return an edit list where the source's one ends inside the slice, so that FFmpeg shows nothing after it.

        FFmpeg moves the first picture of an edit to the edit's start, so an empty edit of the same length comes before.
        """
        index = self._index
        if index.edit.end is None or not index.edit.cuts:
            return b""
        stop = index.edit.end + index.edit.shift
        pts = index.samples.pts[first : last + 1]
        if stop > max(pts):
            return b""
        inside = [time - base for time in pts if max(pts[0], index.edit.first + index.edit.shift) <= time < stop]
        if not inside:
            return b""
        begin = min(inside)
        entries = [(stop - base - begin, begin)]
        if begin:
            entries.insert(0, (begin, -1))
        packed = b"".join(struct.pack(">QqI", length, time, 0x10000) for length, time in entries)
        return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(entries)), packed))


def _mvhd(mvhd: bytes, timescale: int) -> bytes:
    """Return the movie header with the track's timescale, so that edit durations are exact."""
    data = bytearray(mvhd)
    if data[8]:
        struct.pack_into(">IQ", data, 28, timescale, 0)
    else:
        struct.pack_into(">II", data, 20, timescale, 0)
    return bytes(data)


def _packed(values: array[int]) -> bytes:
    if sys.byteorder == "little":
        values.byteswap()
    return values.tobytes()


def _runs(kind: bytes, values: array[int]) -> bytes:
    """Return a table of (samples, value): one row where all are equal, else one a sample."""
    if values == values[:1] * len(values):
        return full_box(kind, 0, 0, struct.pack(">III", 1, len(values), values[0]))
    rows = array(values.typecode, [1]) * (2 * len(values))
    rows[1::2] = values
    return full_box(kind, 0, 0, struct.pack(">I", len(values)), _packed(rows))


def _stss(keys: Sequence[int], first: int, count: int) -> bytes:
    if len(keys) == count:
        return b""  # no table: all are sync samples (ISO/IEC 14496-12, 8.6.2)
    return full_box(b"stss", 0, 0, struct.pack(f">I{len(keys)}I", len(keys), *(key - first + 1 for key in keys)))


def _stsc(counts: list[int]) -> bytes:
    rows = []
    chunk = 1
    for count, group in groupby(counts):
        rows.append(struct.pack(">III", chunk, count, 1))
        chunk += len(list(group))
    return full_box(b"stsc", 0, 0, struct.pack(">I", len(rows)), *rows)
