"""Finding an MP4/MOV file's index through range reads: top-level box headers, then single boxes of the moov."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from streamify.model.limits import INDEX_BYTES, TOP_BOXES
from streamify.mp4.boxes import Box, BoxError, boxes, header, well_formed


@dataclass(frozen=True)
class Layout:
    """Where a file's top-level boxes lie."""

    boxes: tuple[Box, ...]
    """In file order; offsets in the file."""
    size: int
    """Of the file, bytes."""

    def first(self, kind: bytes) -> Box | None:
        """Return the first box of a kind."""
        return next((box for box in self.boxes if box.kind == kind), None)

    @property
    def missing(self) -> int:
        """Bytes by which the last box reaches past the end of the file."""
        return max((box.end for box in self.boxes), default=0) - self.size if self.boxes else 0


@well_formed()
def read_layout(file: BinaryIO, size: int) -> Layout:
    """Read the top-level box headers, 16 bytes each.

    Raises:
        BoxError: The bytes are not boxes.
    """
    found: list[Box] = []
    at = 0
    while at + 8 <= size:
        if len(found) == TOP_BOXES:
            raise BoxError(f"more than {TOP_BOXES} top-level boxes")
        file.seek(at)
        box = header(bytes(file.read(16)), 0, size - at)
        found.append(Box(box.kind, at, at + box.body, at + box.end))
        at += box.end
    return Layout(tuple(found), size)


@dataclass(frozen=True)
class Track:
    """The boxes of one trak that slices and tables need; every field is a whole box unless it says otherwise."""

    ftyp: bytes
    """Empty where the file has none (old QuickTime)."""
    mvhd: bytes
    trak: bytes
    """Payload of the trak box."""
    timescale: int
    """Movie ticks per second, the unit of edit durations."""


@well_formed()
def read_track(file: BinaryIO, layout: Layout, track_id: int) -> Track | None:
    """Read one trak of the moov and skip over the others; ``None`` where the movie is fragmented.

    Raises:
        BoxError: The moov is damaged, compressed, too large, or has not exactly one track of that id.
    """
    moov, ftyp = layout.first(b"moov"), layout.first(b"ftyp")
    if moov is None:
        raise BoxError("no moov box")
    if moov.size > INDEX_BYTES or moov.end > layout.size:
        raise BoxError(f"moov of {moov.size} bytes is too large")
    mvhd, traks = b"", []
    at = moov.body
    while at < moov.end:
        file.seek(at)
        box = header(bytes(file.read(16)), 0, moov.end - at)
        if at + box.end > moov.end:
            raise BoxError(f"box {box.kind!r} reaches past the moov")
        if box.kind in (b"mvex", b"cmov"):
            if box.kind == b"mvex":
                return None
            raise BoxError("the moov is compressed")
        if box.kind == b"mvhd":
            mvhd = read_exactly(file, at, at + min(box.end, 4096))
        elif box.kind == b"trak" and track_id_of(file, at + box.body, at + box.end) == track_id:
            traks.append((at + box.body, at + box.end))
        at += box.end
    if len(traks) != 1:
        raise BoxError(f"{len(traks)} tracks have id {track_id}")
    if len(mvhd) < 32:
        raise BoxError("no mvhd box")
    (timescale,) = struct.unpack_from(">I", mvhd, 28 if mvhd[8] else 20)
    head = read_exactly(file, ftyp.start, min(ftyp.end, ftyp.start + 4096)) if ftyp and ftyp.size <= 4096 else b""
    return Track(head, mvhd, read_exactly(file, *traks[0]), timescale)


@well_formed()
def count_tracks(file: BinaryIO, layout: Layout) -> int:
    """Return how many tracks the moov has, as far as it is in the file.

    Raises:
        BoxError: It is damaged.
    """
    moov, found = layout.first(b"moov"), 0
    if moov is None:
        return 0
    at, end = moov.body, min(moov.end, layout.size)
    for _ in range(TOP_BOXES):
        if at + 8 > end:
            break
        file.seek(at)
        box = header(bytes(file.read(16)), 0, end - at)
        found += box.kind == b"trak"
        at += box.end
    return found


def read_exactly(file: BinaryIO, start: int, end: int) -> bytes:
    """Return the bytes ``[start, end)`` of a file.

    Raises:
        BoxError: It ends before.
    """
    file.seek(start)
    data = bytes(file.read(end - start))
    while len(data) < end - start:
        more = bytes(file.read(end - start - len(data)))
        if not more:
            raise BoxError(f"the file ends inside the box at byte {start}")
        data += more
    return data


@well_formed()
def track_id_of(file: BinaryIO, start: int, end: int) -> int:
    """Return the id of the track whose trak box has its payload there.

    Its tkhd, which comes first in nearly every file, is looked for in the first bytes.

    Raises:
        BoxError: It is damaged, or has none.
    """
    head = read_exactly(file, start, min(end, start + 4096))
    at = 0
    while at + 32 <= len(head):
        box = header(head, at, end - start)
        if box.kind == b"tkhd":
            (number,) = struct.unpack_from(">I", head, box.body + (20 if head[box.body] else 12))
            return int(number)
        at = box.end
    raise BoxError("a trak without tkhd")


def whole(data: bytes, box: Box) -> bytes:
    """Return a box of a buffer with its header."""
    return data[box.start : box.end]


def children(data: bytes, path: str = "") -> dict[bytes, Box]:
    """Return the first child of each kind of the box at `path`."""
    start, end = 0, len(data)
    for name in filter(None, path.split("/")):
        box = next((box for box in boxes(data, start, end) if box.kind == name.encode()), None)
        if box is None:
            raise BoxError(f"no {name} box")
        start, end = box.body, box.end
    found: dict[bytes, Box] = {}
    for box in boxes(data, start, end):
        found.setdefault(box.kind, box)
    return found
