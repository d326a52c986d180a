"""A slice: a small MP4 file, made of a new index over a few samples and a range of the source's bytes.

The sample description is copied byte for byte, so codec tag, HDR metadata and display matrix survive. Decode times
begin at 0 with the first sample; readers add the source's decode time of that sample.
"""

from __future__ import annotations

import struct
from itertools import groupby

from streamify.isobmff import box, full_box
from streamify.media.mp4_boxes import children, whole
from streamify.media.mp4_index import Mp4Index
from streamify.media.splice import literal
from streamify.model.plan import Range, Splice

MAX_SAMPLES = 20_000
"""A slice that needs more (keyframes minutes apart) would cost too much; the whole file is sought in instead."""

MDAT = struct.pack(">I4sQ", 1, b"mdat", 16)
"""Header of the sample data, which needs no true size."""

_COPIED = (b"tkhd", b"uuid", b"tapt")


def cut(index: Mp4Index, first: int, last: int) -> Splice | None:
    """Return the slice of samples `first` to `last`, both included; ``None`` where it would be too large."""
    if last - first >= MAX_SAMPLES:
        return None
    chunks = _chunk_runs(index, first, last)
    sizes = index.samples.sizes
    begin = min(offset for offset, _, _ in chunks)
    end = max(offset + sum(sizes[start : start + count]) for offset, start, count in chunks)
    head = _header(index, first, last, chunks)
    # The chunk offsets are the header's last field; only now is it known how far it moves the data.
    table = struct.pack(f">{len(chunks)}Q", *(offset + len(head) - begin for offset, _, _ in chunks))
    head = head[: -len(table) - len(MDAT)] + table + MDAT
    return Splice(pieces=(literal(head), Range(offset=begin, length=end - begin)), format="mov")


def _chunk_runs(index: Mp4Index, first: int, last: int) -> list[tuple[int, int, int]]:
    """Return (offset in the source, first sample, samples) of every chunk of the slice."""
    runs = []
    sample = first
    while sample <= last:
        _, start, count = index.chunks.chunk_of(sample)
        stop = min(start + count, last + 1)
        runs.append((index.offset(sample), sample, stop - sample))
        sample = stop
    return runs


def _header(index: Mp4Index, first: int, last: int, chunks: list[tuple[int, int, int]]) -> bytes:
    stop = last + 1
    pts, dts = index.samples.pts[first:stop], index.samples.dts[first:stop]
    durations = index.durations[first:stop]
    total = sum(durations)
    # As FFmpeg reports both; their difference is a composition offset that is never negative.
    base, delays = dts[0], [p - d for p, d in zip(pts, dts, strict=True)]
    keys = [number - first + 1 for number in index.samples.keys_between(first, last)]
    stbl = box(
        b"stbl",
        whole(index.track.trak, children(index.track.trak, "mdia/minf/stbl")[b"stsd"]),
        _runs(b"stts", durations, "II"),
        _runs(b"ctts", delays, "II"),
        _stss(keys, stop - first),
        _stsc([count for _, _, count in chunks]),
        full_box(b"stsz", 0, 0, struct.pack(f">II{stop - first}I", 0, stop - first, *index.samples.sizes[first:stop])),
        full_box(b"co64", 0, 0, struct.pack(">I", len(chunks)), bytes(8 * len(chunks))),
    )
    trak, mdia = children(index.track.trak), children(index.track.trak, "mdia")
    minf = children(index.track.trak, "mdia/minf")
    media_header = b"".join(whole(index.track.trak, minf[kind]) for kind in (b"vmhd", b"smhd", b"gmhd") if kind in minf)
    reference = full_box(b"url ", 0, 1)
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), reference))
    mdhd = full_box(b"mdhd", 1, 0, struct.pack(">QQIQI", 0, 0, index.timescale, total, 0x55C40000))
    hdlr = whole(index.track.trak, mdia[b"hdlr"]) if b"hdlr" in mdia else b""
    copied = [whole(index.track.trak, trak[kind]) for kind in _COPIED if kind in trak and trak[kind].size <= 4096]
    edts = _edts(index, first, last, base)
    tracks = box(b"trak", *copied, edts, box(b"mdia", mdhd, hdlr, box(b"minf", media_header, dinf, stbl)))
    moov = box(b"moov", _mvhd(index.track.mvhd, index.timescale), tracks)
    return index.track.ftyp + moov + MDAT


def _edts(index: Mp4Index, first: int, last: int, base: int) -> bytes:
    """Return an edit list where the source's one ends inside the slice, so that FFmpeg shows nothing after it.

    FFmpeg moves the first picture of an edit to the edit's start, so an empty edit of the same length comes before.
    """
    pts = index.samples.pts[first : last + 1]
    stop = index.edit.end + index.edit.shift if index.edit.end is not None else None
    if stop is None or stop > max(pts):
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


def _runs(kind: bytes, values: object, code: str) -> bytes:
    runs = [(len(list(group)), value) for value, group in groupby(values)]  # type: ignore[call-overload]
    return full_box(kind, 0, 0, struct.pack(">I", len(runs)), b"".join(struct.pack(f">{code}", *run) for run in runs))


def _stss(keys: list[int], count: int) -> bytes:
    if len(keys) == count:
        return b""  # no table: all are sync samples (ISO/IEC 14496-12, 8.6.2)
    return full_box(b"stss", 0, 0, struct.pack(f">I{len(keys)}I", len(keys), *keys))


def _stsc(counts: list[int]) -> bytes:
    rows = []
    chunk = 1
    for count, group in groupby(counts):
        rows.append(struct.pack(">III", chunk, count, 1))
        chunk += len(list(group))
    return full_box(b"stsc", 0, 0, struct.pack(">I", len(rows)), *rows)
