"""What the edit list of an MP4 or MOV says of one track (ISO/IEC 14496-12, 8.6.5 and 8.6.6), read by itself. Pure.

For judging: it shares nothing with the index that plans are made from.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from streamify.mp4.boxes import BoxError, find, first, well_formed

EMPTY = -1
"""Media time of an edit that shows nothing."""
NORMAL = 1 << 16
"""Rate of an edit, 16.16."""


@dataclass(frozen=True)
class ToldPart:
    """A part of the track that is shown."""

    at: Fraction
    """When it is shown, seconds."""
    begin: int
    """With which composition time it begins, ticks of the track."""
    seconds: Fraction | None
    """How long it is shown; ``None``: to the end of the track."""


@dataclass(frozen=True)
class ToldEdits:
    """The edit list of a track."""

    timescale: int
    """Ticks of the track per second."""
    parts: tuple[ToldPart, ...]
    earliest: int | None
    """Least composition time that the first part shows, ticks; ``None``: it shows no sample."""
    movie: int
    """Ticks per second in which lengths of parts are counted."""
    times: Sequence[int]
    """All composition times, sorted, ticks of the track."""


@well_formed()
def told_edits(moov: bytes, track: int) -> ToldEdits | None:
    """Return what a track's edit list says; ``None`` where there is none, or one that plays at another rate, or where
    the track's samples are in fragments.

    Args:
        moov: Payload of the moov box.
        track: Id of the track.

    Raises:
        BoxError: The boxes are malformed.
    """
    scale = _timescale(moov, first(moov, "mvhd").body)
    for trak in find(moov, "trak"):
        inside = bytes(moov[trak.body : trak.end])
        if _track_id(inside) == track:
            break
    else:
        return None
    lists = list(find(inside, "edts/elst"))
    times = _composition_times(inside)
    if not lists or not scale or not times:
        return None
    timescale = _timescale(inside, first(inside, "mdia/mdhd").body)
    at, parts = 0, list[ToldPart]()
    edits = list(_edits(inside, lists[0].body))
    for length, begin, rate in edits:
        if begin != EMPTY and (rate != NORMAL or begin < 0):
            return None
        if begin != EMPTY:
            parts.append(ToldPart(Fraction(at, scale), begin, Fraction(length, scale) if length else None))
        at += length
    if len(parts) > 1:  # among several, one without length shows nothing
        parts = [one for one in parts if one.seconds is not None]
    if not parts:
        return None
    shown = [time for time in times if time >= parts[0].begin]
    return ToldEdits(timescale, tuple(parts), min(shown, default=None), scale, sorted(times))


def _edits(trak: bytes, body: int) -> Iterator[tuple[int, int, int]]:
    form = ">QqI" if trak[body] == 1 else ">IiI"
    (count,) = struct.unpack_from(">I", trak, body + 4)
    for number in range(count):
        yield struct.unpack_from(form, trak, body + 8 + number * struct.calcsize(form))


def _track_id(trak: bytes) -> int:
    body = first(trak, "tkhd").body
    (number,) = struct.unpack_from(">I", trak, body + (20 if trak[body] == 1 else 12))
    return int(number)


def _timescale(data: bytes, body: int) -> int:
    (scale,) = struct.unpack_from(">I", data, body + (20 if data[body] == 1 else 12))
    return int(scale)


def _composition_times(trak: bytes) -> list[int]:
    """Return when each sample is shown, ticks, before the edit list (8.6.1)."""
    table = first(trak, "mdia/minf/stbl")
    stbl = trak[table.body : table.end]
    times, at = list[int](), 0
    for count, delta in _runs(stbl, "stts", ">II"):
        times.extend(range(at, at + count * delta, delta) if delta else [at] * count)
        at += count * delta
    place = 0
    # Offsets may be negative in both versions: QuickTime writes such with version 0.
    for count, offset in _runs(stbl, "ctts", ">Ii"):
        for number in range(place, min(place + count, len(times))):
            times[number] += offset
        place += count
    return times


def _runs(stbl: bytes, name: str, form: str) -> Iterator[tuple[int, int]]:
    for box in find(stbl, name):
        (count,) = struct.unpack_from(">I", stbl, box.body + 4)
        if box.body + 8 + 8 * count > box.end:
            raise BoxError(f"{name} claims {count} entries")
        for number in range(count):
            yield struct.unpack_from(form, stbl, box.body + 8 + 8 * number)
