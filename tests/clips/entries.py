"""MP4 files whose video track has several sample entries (ISO/IEC 14496-12, 8.5.2), as `MP4Box -cat` writes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from streamify.mp4.boxes import Box, box, boxes, find, first, full_box

TABLES = (b"stts", b"ctts", b"stss", b"stsz", b"stsc", b"stco", b"stsd")


def join_entries(parts: Sequence[Path], out: Path) -> Path:
    """Write one MP4 of several, one behind the other: each part keeps its sample entry and becomes one chunk.

    Args:
        parts: MP4s with one video track, no edit list, and the same timescales.
        out: The file.
    """
    given = [path.read_bytes() for path in parts]
    head = given[0]
    ftyp = head[: first(head, "ftyp").end]
    datas = [_samples(data) for data in given]
    sizes = [_sizes(data) for data in given]
    starts, at = [], len(ftyp) + 8
    for data in datas:
        starts.append(at)
        at += len(data)
    mdat = box(b"mdat", *datas)
    length = sum(_ticks(data) for data in given)
    offsets, keys, counted = b"", list[int](), 0
    for data, size in zip(given, sizes, strict=True):
        offsets += _table(data, b"ctts")[8:] or struct.pack(">II", len(size), 0)
        found = _table(data, b"stss")
        keys += [counted + number for number in struct.unpack(f">{(len(found) - 8) // 4}I", found[8:])]
        counted += len(size)
    entries = [data[one.body + 8 : one.end] for data in given for one in [first(data, "moov/trak/mdia/minf/stbl/stsd")]]
    durations = b"".join(_table(data, b"stts")[8:] for data in given)
    tables = [
        full_box(b"stsd", 0, 0, struct.pack(">I", len(parts)), *entries),
        full_box(b"stts", 0, 0, struct.pack(">I", len(durations) // 8), durations),
        full_box(b"ctts", 0, 0, struct.pack(">I", len(offsets) // 8), offsets),
        full_box(b"stss", 0, 0, struct.pack(f">I{len(keys)}I", len(keys), *keys)),
        full_box(b"stsz", 0, 0, struct.pack(f">II{counted}I", 0, counted, *(one for size in sizes for one in size))),
        full_box(b"stsc", 0, 0, struct.pack(">I", len(parts)),
                 *(struct.pack(">III", number, len(size), number) for number, size in enumerate(sizes, 1))),
        full_box(b"stco", 0, 0, struct.pack(f">I{len(starts)}I", len(starts), *starts)),
    ]  # fmt: skip
    out.write_bytes(ftyp + mdat + _rebuilt(head, first(head, "moov"), tables, length))
    return out


def _rebuilt(data: bytes, outer: Box, tables: Sequence[bytes], length: int) -> bytes:
    inside = []
    for child in boxes(data, outer.body, outer.end):
        if child.kind in (b"trak", b"mdia", b"minf"):
            inside.append(_rebuilt(data, child, tables, length))
        elif child.kind == b"stbl":
            inside.append(box(b"stbl", *tables))
        elif child.kind in (b"mvhd", b"tkhd", b"mdhd"):
            inside.append(_longer(data, child, length))
        elif child.kind != b"edts":
            inside.append(data[child.start : child.end])
    return box(outer.kind, *inside)


def _longer(data: bytes, child: Box, length: int) -> bytes:
    """Return a header with another duration; all timescales are the same."""
    whole = bytearray(data[child.start : child.end])
    place = child.body - child.start + (20 if child.kind == b"tkhd" else 16)
    struct.pack_into(">I", whole, place, length)
    return bytes(whole)


def _table(data: bytes, kind: bytes) -> bytes:
    found = list(find(data, f"moov/trak/mdia/minf/stbl/{kind.decode()}"))
    return data[found[0].body : found[0].end] if found else b""


def _ticks(data: bytes) -> int:
    table = _table(data, b"stts")[8:]
    return sum(count * delta for count, delta in struct.iter_unpack(">II", table))


def _sizes(data: bytes) -> list[int]:
    table = _table(data, b"stsz")
    size, count = struct.unpack_from(">II", table, 4)
    return [size] * count if size else list(struct.unpack_from(f">{count}I", table, 12))


def _samples(data: bytes) -> bytes:
    """Return the samples, which lie side by side in the order of decoding."""
    one = first(data, "mdat")
    return data[one.body : one.end]
