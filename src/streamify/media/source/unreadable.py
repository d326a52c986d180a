"""Stretches of a file in which its container's structure is broken: overwritten, zeroed, or never written."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from itertools import pairwise
from typing import BinaryIO

from streamify.media.source.ebml import CLUSTER, EBML, SEGMENT, element
from streamify.media.source.transport import TS_PACKET
from streamify.mp4.boxes import BoxError

LONGEST = 8
"""Longest distances between packets that are looked at, whatever the times of the pictures say."""
LEAST = 512
"""Bytes between two packets below which nothing is looked at."""
FILLED = 1 << 20
"""Bytes of one value by which a tail is known for room that nothing was written to."""
BEGUN = 16
"""Bytes of that value at the end of the last packet of Matroska by which it is known for media that was overwritten, or
never written: room begins behind a packet, and what a crash leaves anywhere."""
ELEMENTS = 100_000
"""Elements read at most between two packets."""
SECTOR = 2048
"""Bytes of a sector of a DVD; those of a Video CD are larger."""

Walk = Callable[[BinaryIO, int], int | None]
"""From where an element begins to where the next one does; ``None``: there is none."""


@dataclass(frozen=True)
class Stretch:
    """Bytes that are no part of the container's structure."""

    packet: int
    """Last packet of the pictures in front of them."""
    position: int
    length: int
    filled: bool = False
    """Whether it begins with `FILLED` bytes of one value, or has no others: that is room, and no media."""


def unreadable(
    file: BinaryIO,
    format_name: str,
    positions: Sequence[int],
    sizes: Sequence[int],
    suspects: Iterable[int],
) -> list[Stretch]:
    """Return the stretches between packets that cannot be read.

    Args:
        file: The source.
        format_name: FFmpeg's name of the demuxer.
        positions: Byte offset of each packet of the pictures.
        sizes: Of each packet, bytes.
        suspects: Packets behind which pictures are missing.
    """
    kind = format_name.split(",")[0]
    between = _BETWEEN.get(kind)
    if between is None:
        return []
    known = [number for number, position in enumerate(positions) if position >= 0]  # of parts of a unit none is known
    distances = [positions[after] - positions[before] - sizes[before] for before, after in pairwise(known)]
    suspected = {max(bisect_right(known, one) - 1, 0) for one in suspects}
    chosen = suspected.union(nlargest(LONGEST, range(len(distances)), key=distances.__getitem__))
    found = []
    for place in sorted(chosen):
        inside = kind == "mpeg" and place in suspected
        if place < len(distances) and (inside or distances[place] >= LEAST):
            number = known[place]
            stretch = between(file, positions[number], positions[known[place + 1]], sizes[number])
            if stretch is not None:
                found.append(Stretch(number, *stretch))
    return found


def unreadable_tail(
    file: BinaryIO, size: int, format_name: str, position: int, held: int, heard: int = -1
) -> Stretch | None:
    """Return what cannot be read behind the last packet of the pictures.

    Args:
        file: The source.
        size: Of it, bytes.
        format_name: FFmpeg's name of the demuxer.
        position: Of that packet.
        held: Its size, bytes.
        heard: Position of the last packet of sound that FFmpeg gives; -1: none.
    """
    between = _BETWEEN.get(format_name.split(",")[0])
    if between is None or position < 0 or size - position - held < LEAST:
        return None
    if between is _matroska:
        between = partial(_matroska, last=max(position, heard))
    stretch = between(file, position, size, held)
    if stretch is None:
        return None
    before = min(BEGUN, stretch[0]) if format_name.startswith("matroska") else 0
    file.seek(stretch[0] - before)
    begun, head = bytes(file.read(before)), bytes(file.read(min(stretch[1], FILLED)))
    filled = not head.strip(head[:1]) and (not begun or bool(begun.strip(head[:1])))
    return Stretch(-1, *stretch, filled=filled)


def _chain(walk: Walk, inside: int = 0) -> Callable[[BinaryIO, int, int, int], tuple[int, int] | None]:
    """Return a reader of elements that follow each other, such as the tags of FLV.

    Args:
        walk: From one to the next.
        inside: Bytes from the start of an element to where FFmpeg says that a packet is.
    """

    def between(file: BinaryIO, start: int, end: int, _size: int) -> tuple[int, int] | None:
        at = walk(file, start - inside)
        if at is None:
            return None  # the packet is not where FFmpeg says: several of them are in one element
        for _ in range(ELEMENTS):
            if at >= end - inside:
                return None
            after = walk(file, at)
            if after is None:
                return at, end - inside - at
            at = after
        return None

    return between


def _flv(file: BinaryIO, at: int) -> int | None:
    """Step over a tag and the size behind it (FLV 10.1, annex E.3)."""
    file.seek(at)
    head = bytes(file.read(11))
    if len(head) < 11 or head[0] & 0x1F not in (8, 9, 18):
        return None
    return at + 11 + int.from_bytes(head[1:4], "big") + 4


def _riff(file: BinaryIO, at: int) -> int | None:
    """Step over a chunk, or into a list."""
    file.seek(at)
    head = bytes(file.read(8))
    if len(head) < 8 or not all(
        byte == 32 or 48 <= byte < 58 or 65 <= byte < 91 or 97 <= byte < 123 for byte in head[:4]
    ):
        return None
    if head[:4] in (b"LIST", b"RIFF"):
        return at + 12
    (length,) = struct.unpack_from("<I", head, 4)
    return int(at + 8 + length + length % 2)


def _transport(file: BinaryIO, at: int) -> int | None:
    """Step over a packet of a transport stream."""
    file.seek(at)
    return at + TS_PACKET if file.read(1) == b"G" else None


def _program(file: BinaryIO, at: int) -> int | None:
    """Step over a pack header, a packet of a program stream (ISO/IEC 13818-1, 2.5.3), or zeros that fill a sector.

    A sector of a Video CD with sound ends with 20 zeros (IEC 62107). As many as a sector has are sectors without data.
    """
    file.seek(at)
    head = bytes(file.read(14))
    if head[:4] == bytes(4):
        file.seek(at)
        zeros = bytes(file.read(SECTOR + 3))
        filled = len(zeros) - len(zeros.lstrip(b"\0"))
        return at + filled - 2 if zeros[filled : filled + 1] == b"\1" and filled - 2 < SECTOR else None
    if len(head) < 6 or head[:3] != b"\0\0\1" or head[3] < 0xB9:
        return None
    if head[3] == 0xB9:
        return at + 4
    if head[3] == 0xBA:
        return at + (12 if head[4] >> 4 == 2 else 14 + (head[13] & 7 if len(head) > 13 else 0))
    return at + 6 + int.from_bytes(head[4:6], "big")


PARENTS = (SEGMENT, CLUSTER, 0xA0)
"""Segment, Cluster and BlockGroup."""
KNOWN = frozenset({
    *PARENTS, EBML, 0xA3, 0xA1, 0xE7, 0xA7, 0xAB, 0xEC, 0xBF, 0x5854, 0x9B, 0xFB, 0xFA, 0x75A1, 0x75A2, 0xA4, 0xFD,
    0x8E, 0xAF, 0xA2, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469, 0x114D9B74, 0x1549A966, 0x1654AE6B,
})  # fmt: skip
"""What may stand between two blocks (RFC 9559, 5.1)."""


BLOCKS = (0xA3, 0xA1)
"""SimpleBlock and Block."""


def _matroska(file: BinaryIO, start: int, end: int, size: int, *, last: int | None = None) -> tuple[int, int] | None:
    """FFmpeg gives the position of a block's payload, and the size of the picture as it is decoded.

    The payload is a header of 4 bytes, then the picture, often without what the track says once, or compressed (RFC
    9559, 5.1.4.1.31.6). Behind the `last` packet that FFmpeg gives a file that was joined is not read by it: it ends
    at the third (seen in 8.1).
    """
    ends = [one for one in _block_ends(file, start) if one <= end]
    at = max(_read_to(file, one, end, last=last) for one in ends or [start + size + 4])
    return (at, end - at) if at < end else None


def _block_ends(file: BinaryIO, body: int) -> Iterator[int]:
    """Yield where the block ends whose payload begins at `body`.

    Its id has one byte and its size up to eight, and bytes of a size may look like an id: there may be several.
    """
    for start in range(max(0, body - 9), body - 1):
        try:
            kind, begin, after = element(file, start, 1 << 62)
        except BoxError:
            continue
        if kind in BLOCKS and begin == body:
            yield after


def _read_to(file: BinaryIO, at: int, end: int, *, last: int | None) -> int:
    """Return where what is read from a byte on ends, element by element.

    Between two packets (`last` is ``None``) the last one is the block of the second, whose payload is at `end`.
    """
    for _ in range(ELEMENTS):
        if at >= end:
            break
        try:
            kind, body, after = element(file, at, 1 << 62)
        except BoxError:
            return at
        if kind not in KNOWN or (last is not None and at > last and kind == EBML):
            return at
        if last is None and kind not in PARENTS and after > end != body:
            return at  # bytes of something else that look like an element
        at = body if kind in PARENTS else after
    return end


READ = 8 << 20
"""Bytes read at most for a run of zeros."""


def _ogg(file: BinaryIO, start: int, end: int, _size: int) -> tuple[int, int] | None:
    """Find a run of zeros, which pages of Ogg never hold."""
    return _zeros(file, start, end, LEAST)


FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""GUID of the object that says how long the packets of an ASF file are (ASF specification, 3.2)."""


def _asf(file: BinaryIO, start: int, end: int, _size: int) -> tuple[int, int] | None:
    """Find a run of zeros as long as a packet: a shorter one can be the padding at a packet's end."""
    file.seek(0)
    head = bytes(file.read(1 << 16))
    at = head.find(FILE_PROPERTIES)
    if at < 0 or len(head) < at + 100:
        return None
    (packet,) = struct.unpack_from("<I", head, at + 96)
    return _zeros(file, start, end, max(LEAST, packet))


def _zeros(file: BinaryIO, start: int, end: int, least: int) -> tuple[int, int] | None:
    file.seek(start)
    data = bytes(file.read(min(end - start, READ)))
    at = data.find(bytes(least)) if least <= len(data) else -1
    return (start + at, len(data) - at - len(data[at:].lstrip(b"\0"))) if at >= 0 else None


_BETWEEN: dict[str, Callable[[BinaryIO, int, int, int], tuple[int, int] | None]] = {
    "matroska": _matroska,
    "flv": _chain(_flv),
    "avi": _chain(_riff, 8),
    "mpeg": _chain(_program),
    "mpegts": _chain(_transport),
    "asf": _asf,
    "ogg": _ogg,
}
