"""Footage that is missing: what of the source says so, when, and how much."""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import BinaryIO

from streamify.bitstream.gaps import holes
from streamify.media.source.scan import Scan
from streamify.media.source.unreadable import unreadable
from streamify.model.source import Gap, Note
from streamify.mp4.boxes import BoxError
from streamify.mp4.movie import read_layout

PAUSE = "no picture has a time there: a pause of the camera, or footage that is missing"
NAMED = 20
"""Gaps that are named one by one; the rest are counted."""


def find_holes(shown: Sequence[int], time_base: Fraction) -> tuple[Gap, ...]:
    """Return where a film that otherwise runs evenly shows no picture."""
    return tuple(
        Gap(start=(start - shown[0]) * time_base, seconds=(end - start) * time_base, why=PAUSE)
        for start, end in holes(shown, time_base)
    )


def find_gaps(
    file: BinaryIO, size: int, format_name: str, found: Scan, shown: Sequence[int], time_base: Fraction
) -> tuple[Gap, ...]:
    """Return where footage is missing in a source that was scanned, with what says so.

    Holes in the times are found in all containers; fragments that are missing by the numbers of those around them.
    """
    pauses = find_holes(shown, time_base)
    gaps = {one.start: one for one in pauses}
    if format_name.startswith("mov") and _in_order(found):
        ends = [_end(one) for one in pauses]
        for position, count in _missing_fragments(file, size):
            place = bisect_left(found.positions, position)
            if place == len(found.positions):
                continue
            why = f"{count} fragments are missing by their numbers (mfhd)"
            start, seconds = (found.samples.pts[place] - shown[0]) * time_base, Fraction(0)
            near = bisect_right(ends, start - 1)
            if near < len(ends) and ends[near] < start + 1:
                start, seconds = pauses[near].start, pauses[near].seconds
            gaps[start] = Gap(start=start, seconds=seconds, why=why)
        if (rest := _behind_fragments(file, size)) is not None:
            start = (shown[-1] - shown[0]) * time_base
            why = f"{size - rest} bytes from byte {rest} on cannot be read: fragments, about as long by their size"
            gaps[start] = Gap(start=start, seconds=start * (size - rest) / max(rest, 1), why=why, damage=True)
    corrupt = sorted((found.samples.pts[number] - shown[0]) * time_base for number in found.corrupt)
    for start, one in gaps.items():
        if one.why == PAUSE and bisect_left(corrupt, start - 1) < bisect_right(corrupt, _end(one) + 1):
            gaps[start] = one.model_copy(update={"why": "packets are missing by the container's own counters"})
    wide = [*gaps.values()]
    suspects = _before(gaps, found, shown, time_base, in_pieces=format_name == "mpeg")
    for stretch in unreadable(file, format_name, found.positions, found.samples.sizes, suspects):
        at = (found.samples.pts[stretch.packet] - shown[0]) * time_base
        hole = next((one for one in wide if one.start - 1 <= at <= _end(one) + 1), None)
        why = f"{stretch.length} bytes from byte {stretch.position} on cannot be read"
        spans = [*_missing(stretch.packet, found, shown, time_base)] if hole is None else [(hole.start, hole.seconds)]
        for start, length in spans or [(max(at, Fraction(0)), Fraction(0))]:
            gaps[start] = Gap(start=start, seconds=length, why=why, damage=True)
    return tuple(gaps[start] for start in sorted(gaps))


def _missing(
    packet: int, found: Scan, shown: Sequence[int], time_base: Fraction
) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield the start and length, seconds, of each step between pictures about a packet that is longer than others.

    They are shorter than what counts as a hole where no bytes say so.
    """
    step, pts = found.timed.step, found.samples.pts
    times = [pts[number] for number in range(packet, min(packet + 2, len(pts)))]
    if not step:
        return
    first = max(1, bisect_left(shown, min(times) - BEFORE * step))
    for place in range(first, bisect_right(shown, max(times) + BEFORE * step)):
        before, after = shown[place - 1], shown[place]
        if after - before > step * 3 // 2:
            yield (before + step - shown[0]) * time_base, (after - before - step) * time_base


BEFORE = 4
"""Packets in front of the first one shown behind a gap among which the last one in front of it is, in decode order."""


def _before(
    gaps: Mapping[Fraction, Gap], found: Scan, shown: Sequence[int], time_base: Fraction, *, in_pieces: bool
) -> Iterator[int]:
    """Yield the packets that may be the last ones in front of gaps, or of one picture that is missing.

    Where pictures come `in_pieces`, what is between two pieces counts as part of the picture: it leaves no distance.
    """
    ends: set[Fraction | int] = {shown[0] + _end(one) / time_base for one in gaps.values()}
    if in_pieces and found.timed.step:
        ends.update(after for before, after in pairwise(shown) if after - before > found.timed.step * 3 // 2)
    for number, time in enumerate(found.samples.pts if ends else ()):
        if time in ends:
            yield from range(max(0, number - BEFORE), number)


def spoilt_notes(gaps: Sequence[Gap], found: Scan, shown: Sequence[int], time_base: Fraction) -> Iterator[Note]:
    """Yield which pictures beside gaps may look wrong: the one in front, which is cut off, those up to a keyframe."""
    keys = sorted(found.samples.pts[number] for number in found.samples.keys)
    for one in gaps[:NAMED]:
        first = bisect_left(shown, shown[0] + _end(one) / time_base)
        if one.why == PAUSE or first == len(shown):
            continue
        key = bisect_left(keys, shown[first])
        until = keys[key] if key < len(keys) else found.end
        begin = _begin(shown, first, found.timed.step) if one.damage else shown[first]
        if until > begin:
            times = (
                f"from {float((begin - shown[0]) * time_base):.3f} s to {float((until - shown[0]) * time_base):.3f} s"
            )
            yield Note(
                kind="damaged",
                what=f"pictures {times} may look wrong",
                why="bytes of them, or what they are decoded from, are missing; at the next keyframe all is well",
            )


def _begin(shown: Sequence[int], first: int, step: int) -> int:
    """Return from when on pictures in front of a gap are cut off, or missing as those decoded behind it are."""
    begin = max(0, first - 1)
    for number in range(begin, max(0, begin - BEFORE), -1):
        if step and shown[number] - shown[number - 1] > step * 3 // 2:
            return shown[number - 1] + step
    return shown[begin]


def gap_notes(gaps: Sequence[Gap]) -> Iterator[Note]:
    """Yield a note of each gap."""
    for one in gaps[:NAMED]:
        kind = "info" if one.why == PAUSE else "damaged"
        yield Note(kind=kind, what=one.text, why=one.why)  # type: ignore[arg-type]
    if len(gaps) > NAMED:
        rest = sum(float(one.seconds) for one in gaps[NAMED:])
        yield Note(kind="info", what=f"{len(gaps) - NAMED} more gaps, {rest:.3f} s in all", why="as above")


def _end(gap: Gap) -> Fraction:
    return gap.start + gap.seconds


def beginning_notes(
    file: BinaryIO, size: int, format_name: str, shown: Sequence[int], time_base: Fraction
) -> Iterator[Note]:
    """Yield that fragments precede the first one, where both its number and its time say so."""
    if not format_name.startswith("mov"):
        return
    _, number = next(_numbers(file, size), (0, 0))
    if number > 1 and shown[0] * time_base > LATE:
        yield Note(
            kind="info",
            what=f"the film begins with fragment {number}, at {float(shown[0] * time_base):.3f} s of its own clock",
            why="what precedes is not in the file: it is a part of a recording, or fragments are missing",
        )


LATE = Fraction(1, 2)
"""Seconds behind 0 up to which a film may begin."""


def _missing_fragments(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield where fragments go on behind missing ones, and how many are missing (ISO/IEC 14496-12, 8.8.5)."""
    for (_, before), (position, number) in pairwise(_numbers(file, size)):
        if number > before + 1:
            yield position, number - before - 1


def _numbers(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield where fragments are, and their numbers."""
    try:
        moofs = [box for box in read_layout(file, size).boxes if box.kind == b"moof"]
    except BoxError:
        return
    for moof in moofs[:FRAGMENTS]:
        file.seek(moof.start + 8)
        head = bytes(file.read(16))
        if len(head) < 16 or head[4:8] != b"mfhd":
            return
        (number,) = struct.unpack(">I", head[12:16])
        yield moof.start, number


def _behind_fragments(file: BinaryIO, size: int) -> int | None:
    """Return from which byte on boxes cannot be read although there are fragments behind it: FFmpeg ends there."""
    try:
        last = read_layout(file, size).boxes[-1]
    except (BoxError, IndexError):
        return None
    if last.kind.isalnum():
        return None
    file.seek(last.start)
    before = b""
    while block := file.read(1 << 20):
        if b"moof" in before + block:
            return last.start
        before = block[-3:]
    return None


FRAGMENTS = 20_000
"""Fragments whose numbers are read at most."""


def _in_order(found: Scan) -> bool:
    """Whether it is known where every packet lies, so that places in the file can be looked up."""
    return min(found.positions, default=-1) >= 0
