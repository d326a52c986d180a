"""Gives the tracks of an MP4 other edit lists (ISO/IEC 14496-12, 8.6.6)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from streamify.mp4.boxes import Box, box, find, first, full_box

EMPTY = Fraction(-1)
"""Beginning of an edit that shows nothing."""


@dataclass(frozen=True)
class Edit:
    """An entry of an edit list."""

    length: Fraction
    """Seconds; 0: to the end."""
    begin: Fraction
    """Seconds of the track's composition times; `EMPTY`."""
    rate: Fraction = Fraction(1)


def delay(source: Path, track: int) -> Fraction:
    """Return with which composition time a track's only edit begins, seconds."""
    data = source.read_bytes()
    trak = _traks(data)[track]
    elst = first(data, "edts/elst", trak.body, trak.end)
    entry = ">Qq" if data[elst.body] else ">Ii"
    (count,) = struct.unpack_from(">I", data, elst.body + 4)
    assert count == 1
    return Fraction(struct.unpack_from(entry, data, elst.body + 8)[1], _timescale(data, trak))


def with_edits(source: Path, out: Path, lists: Mapping[int, Sequence[Edit]], *, wide: bool = False) -> Path:
    """Write a copy of an MP4, whose moov comes last, with other edit lists.

    Args:
        source: The MP4.
        out: The copy.
        lists: By the place of the track in the file.
        wide: Whether lengths and times take 64 bits.
    """
    data = source.read_bytes()
    moov = first(data, "moov")
    assert moov.end == len(data)
    mvhd = first(data, "moov/mvhd")
    (movie,) = struct.unpack_from(">I", data, mvhd.body + (20 if data[mvhd.body] else 12))
    parts, number = [], 0
    for child in _children(data, moov):
        whole = data[child.start : child.end]
        if child.kind == b"trak":
            if number in lists:
                whole = _edited(data, child, lists[number], movie, wide=wide)
            number += 1
        parts.append(whole)
    out.write_bytes(data[: moov.start] + box(b"moov", *parts))
    return out


def _edited(data: bytes, trak: Box, edits: Sequence[Edit], movie: int, *, wide: bool) -> bytes:
    scale, form = _timescale(data, trak), ">QqI" if wide else ">IiI"
    entries = [
        struct.pack(
            form,
            _whole(edit.length * movie),
            -1 if edit.begin == EMPTY else _whole(edit.begin * scale),
            _whole(edit.rate * 0x10000),
        )
        for edit in edits
    ]
    elst = full_box(b"elst", int(wide), 0, struct.pack(">I", len(entries)), *entries)
    kept = [(child.kind, data[child.start : child.end]) for child in _children(data, trak) if child.kind != b"edts"]
    place = next(at for at, (kind, _) in enumerate(kept) if kind == b"tkhd") + 1
    whole = [one for _, one in kept]
    return box(b"trak", *whole[:place], box(b"edts", elst), *whole[place:])


def _whole(ticks: Fraction) -> int:
    assert ticks.denominator == 1, "no whole number of ticks"
    return int(ticks)


def _children(data: bytes, outer: Box) -> list[Box]:
    kinds = (b"mvhd", b"iods", b"trak", b"udta", b"tkhd", b"edts", b"mdia", b"tref", b"meta")
    return sorted(
        (one for kind in kinds for one in find(data, kind.decode(), outer.body, outer.end)), key=lambda one: one.start
    )


def _traks(data: bytes) -> list[Box]:
    return list(find(data, "moov/trak"))


def _timescale(data: bytes, trak: Box) -> int:
    mdhd = first(data, "mdia/mdhd", trak.body, trak.end)
    (scale,) = struct.unpack_from(">I", data, mdhd.body + (20 if data[mdhd.body] else 12))
    return int(scale)
