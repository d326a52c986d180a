"""Sample entries of a track (ISO/IEC 14496-12, 8.5.2), wherever in the file the moov is, through range reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from streamify.mp4.boxes import BoxError, boxes, first, header, well_formed
from streamify.mp4.movie import Layout, read_exactly, track_id_of

VISUAL = 78
"""Bytes of a visual sample entry before its boxes (12.1.3)."""
SOUND = 28
"""Bytes of an audio sample entry before its boxes (12.2.3)."""

_LIMIT = 1 << 20
"""Bytes; a description with the largest parameter sets and colour profiles takes some 10,000."""


@dataclass(frozen=True)
class SampleEntry:
    """How samples are coded."""

    kind: bytes
    """Such as ``avc1``."""
    boxes: Mapping[bytes, bytes]
    """Payloads of the boxes in it, the first of each kind."""


@well_formed()
def visual_entries(file: BinaryIO, layout: Layout, track: int) -> tuple[SampleEntry, ...]:
    """Return the sample entries of the video track of that id; none where the moov has no such track.

    Raises:
        BoxError: The boxes on the way are damaged, or the description is absurdly large.
    """
    moov = layout.first(b"moov")
    if moov is None:
        return ()
    for start, end in at_path(file, moov.body, moov.end, (b"trak",)):
        if track_id_of(file, start, end) == track:
            return entries_of(file, start, end)
    return ()


@well_formed()
def entries_of(file: BinaryIO, start: int, end: int) -> tuple[SampleEntry, ...]:
    """Return the sample entries of the video track whose trak has its payload there.

    Raises:
        BoxError: As `visual_entries`.
    """
    for body, stop in at_path(file, start, end, (b"mdia", b"minf", b"stbl", b"stsd")):
        if stop - body > _LIMIT:
            raise BoxError(f"a sample description of {stop - body} bytes")
        return tuple(_entries(read_exactly(file, body, stop)))
    return ()


@well_formed()
def sample_entry(data: bytes) -> SampleEntry:
    """Return the sample entry of an init segment, or of a file in memory, that has one track.

    Raises:
        BoxError: The boxes are damaged, or there is none.
    """
    mdia = first(data, "moov/trak/mdia")
    hdlr = first(data, "hdlr", mdia.body, mdia.end)
    head = SOUND if data[hdlr.body + 8 : hdlr.body + 12] == b"soun" else VISUAL
    stsd = first(data, "minf/stbl/stsd", mdia.body, mdia.end)
    for entry in boxes(data, stsd.body + 8, stsd.end):
        return SampleEntry(entry.kind, extensions(data, entry.body + head, entry.end))
    raise BoxError("stsd holds no sample entry")


def extensions(data: bytes, start: int, end: int) -> dict[bytes, bytes]:
    """Return the payloads of the boxes in ``data[start:end]``, the first of each kind.

    QuickTime writers end a sample entry with 4 zero bytes, which are no box.
    """
    found: dict[bytes, bytes] = {}
    at = start
    while at + 8 <= end:
        box = header(data, at, end)
        if box.end > end:
            raise BoxError(f"box {box.kind!r} reaches past its sample entry")
        found.setdefault(box.kind, data[box.body : box.end])
        at = box.end
    return found


def _entries(stsd: bytes) -> Iterator[SampleEntry]:
    for entry in boxes(stsd, 8):
        yield SampleEntry(entry.kind, extensions(stsd, entry.body + VISUAL, entry.end))


def at_path(file: BinaryIO, start: int, end: int, path: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Yield where the payload of every box at `path` is, from headers alone."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        box = header(bytes(file.read(16)), 0, end - at)
        if at + box.end > end:
            raise BoxError(f"box {box.kind!r} at byte {at} reaches past its container")
        if box.kind == path[0]:
            if len(path) == 1:
                yield at + box.body, at + box.end
            else:
                yield from at_path(file, at + box.body, at + box.end, path[1:])
        at += box.end
