"""Fragments of a segment file: reading them, and setting their times and numbers (ISO/IEC 14496-12, clause 8.8)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from streamify.mp4.boxes import Box, BoxError, Buffer, boxes, find, first, well_formed


@dataclass(frozen=True)
class Fragment:
    """One moof + mdat of a segment file."""

    start: int
    """Byte offset of the moof."""
    end: int
    """Byte offset after the mdat."""
    sequence: int
    """mfhd sequence number."""
    decode_time: int
    """tfdt, ticks."""
    durations: tuple[int, ...]
    """Of each sample, ticks."""
    sizes: tuple[int, ...]
    """Of each sample, bytes."""
    offsets: tuple[int, ...]
    """Composition offsets, ticks."""
    sync: bool
    """Whether the first sample is a sync sample."""
    data: int
    """Byte offset of the first sample."""


@well_formed()
def fragments(data: Buffer) -> tuple[Fragment, ...]:
    """Read every fragment of a segment file with one track (clauses 8.8.4 to 8.8.12).

    Raises:
        BoxError: The structure is damaged, or a moof has no mdat behind it.
    """
    found: list[Fragment] = []
    moof: Box | None = None
    for item in boxes(data):
        if item.kind == b"moof":
            moof = item
        elif item.kind == b"mdat":
            if moof is None:
                raise BoxError(f"mdat at byte {item.start} has no moof")
            found.append(_fragment(data, moof, item))
            moof = None
    if moof is not None:
        raise BoxError(f"moof at byte {moof.start} has no mdat")
    return tuple(found)


def shown_times(parts: Sequence[Fragment]) -> list[int]:
    """Return when the samples of a segment are shown, ticks, in order."""
    found = []
    for part in parts:
        times = accumulate(part.durations, initial=part.decode_time)
        found += [time + offset for time, offset in zip(times, part.offsets, strict=False)]
    return sorted(found)


@well_formed()
def shown_from(init: Buffer) -> int:
    """Return the composition time that is shown at 0 by the edit list of an init segment (clause 8.6.6), ticks.

    Raises:
        BoxError: The structure is damaged.
    """
    for elst in find(init, "moov/trak/edts/elst"):
        wide = init[elst.body] == 1
        (count,) = struct.unpack_from(">I", init, elst.body + 4)
        for number in range(count):
            _, begin, _ = struct.unpack_from(
                ">QqI" if wide else ">IiI", init, elst.body + 8 + number * (20, 12)[not wide]
            )
            if begin >= 0:
                return int(begin)
    return 0


def _fragment(data: Buffer, moof: Box, mdat: Box) -> Fragment:
    (sequence,) = struct.unpack_from(">I", data, first(data, "mfhd", moof.body, moof.end).body + 4)
    traf = first(data, "traf", moof.body, moof.end)
    tfhd = first(data, "tfhd", traf.body, traf.end)
    (word,) = struct.unpack_from(">I", data, tfhd.body)
    flags, at = word & 0xFFFFFF, tfhd.body + 8
    at += 8 * bool(flags & 1) + 4 * bool(flags & 2)
    duration = size = sample_flags = 0
    if flags & 8:
        (duration,), at = struct.unpack_from(">I", data, at), at + 4
    if flags & 16:
        (size,), at = struct.unpack_from(">I", data, at), at + 4
    if flags & 32:
        (sample_flags,) = struct.unpack_from(">I", data, at)
    tfdt = first(data, "tfdt", traf.body, traf.end)
    version = data[tfdt.body]
    (decode_time,) = struct.unpack_from(">Q" if version else ">I", data, tfdt.body + 4)
    durations: list[int] = []
    sizes: list[int] = []
    offsets: list[int] = []
    begin: int | None = None
    sync = not sample_flags & 0x10000
    for trun in find(data, "trun", traf.body, traf.end):
        (word, count) = struct.unpack_from(">II", data, trun.body)
        flags, version, at = word & 0xFFFFFF, word >> 24, trun.body + 8
        if flags & 1:
            (offset,) = struct.unpack_from(">i", data, at)
            at += 4
            begin = moof.start + offset if begin is None else begin
        _check_count(count, flags, at, trun, len(sizes), mdat)
        first_flags: int | None = None
        if flags & 4:
            (first_flags,), at = struct.unpack_from(">I", data, at), at + 4
        for number in range(count):
            d, s, f, o = duration, size, sample_flags, 0
            if flags & 0x100:
                (d,), at = struct.unpack_from(">I", data, at), at + 4
            if flags & 0x200:
                (s,), at = struct.unpack_from(">I", data, at), at + 4
            if flags & 0x400:
                (f,), at = struct.unpack_from(">I", data, at), at + 4
            if flags & 0x800:
                (o,), at = struct.unpack_from(">i" if version else ">I", data, at), at + 4
            if number == 0 and not durations:
                sync = not (first_flags if first_flags is not None else f) & 0x10000
            durations.append(d)
            sizes.append(s)
            offsets.append(o)
    begin = mdat.body if begin is None else begin
    if not mdat.body <= begin or begin + sum(sizes) > mdat.end:
        raise BoxError(f"samples of the fragment at byte {moof.start} reach past its mdat")
    return Fragment(
        moof.start, mdat.end, sequence, decode_time, tuple(durations), tuple(sizes), tuple(offsets), sync, begin
    )


def _check_count(count: int, flags: int, at: int, trun: Box, before: int, mdat: Box) -> None:
    """Refuse a count that neither its table nor the samples have room for: each has a byte at least.

    Args:
        count: Samples that the trun claims.
        flags: Of the trun.
        at: Where its table begins, or the flags of its first sample in front of it.
        trun: The box.
        before: Samples of the truns in front of it.
        mdat: Where all of them lie.
    """
    width = 4 * sum(bool(flags & field) for field in (0x100, 0x200, 0x400, 0x800))
    if at + 4 * bool(flags & 4) + count * width > trun.end or before + count > mdat.end - mdat.body:
        raise BoxError(f"the trun at byte {trun.start} claims {count} samples")


def retime(data: bytearray, start: int, sequence: int) -> None:
    """Add `start` ticks to every tfdt and number the fragments from `sequence`, in place.

    Raises:
        BoxError: A tfdt has 32 bits; the muxer writes 64.
    """
    for number, moof in enumerate(list(find(data, "moof"))):
        struct.pack_into(">I", data, first(data, "mfhd", moof.body, moof.end).body + 4, sequence + number)
        tfdt = first(data, "traf/tfdt", moof.body, moof.end)
        if data[tfdt.body] != 1:
            raise BoxError("tfdt of 32 bits")
        (time,) = struct.unpack_from(">Q", data, tfdt.body + 4)
        struct.pack_into(">Q", data, tfdt.body + 4, time + start)
