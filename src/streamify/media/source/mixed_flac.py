"""A second FLAC behind one: FFmpeg takes its header for sound, and shows as much as the first one says that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

FLAC = b"fLaC"
BEGIN = re.compile(rb"fLaC[\0\x80]\0\0\x22", re.DOTALL)
"""What a file begins with: a marker and the header of the first block (RFC 9639, 8.1 and 8.2)."""
PLACES = 16
"""Places at which frames are looked at, and the last of them."""
WINDOW = 256 << 10
"""Bytes in which a frame begins."""
CHUNK = 8 << 20
"""Bytes looked through at once."""
SYNC = re.compile(rb"(?=\xff[\xf8\xf9][\x10-\xff])", re.DOTALL)
"""Beginning of the header of a frame (9.1)."""
LONGEST = 16
"""Bytes of such a header (9.1)."""


class _Frame(NamedTuple):
    at: int
    """Number of its first sample."""
    end: int


def second_flac(file: BinaryIO, size: int, begin: int) -> int:
    """Return where another FLAC begins; 0: none does.

    Frames are numbered: where their numbers rise from place to place, and the last one ends with the last sample that
    the file announces, nothing follows it, and no more is read.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        begin: Where the first one begins.
    """
    file.seek(begin)
    head = bytes(file.read(42))
    if not BEGIN.match(head):
        return 0
    largest, total = int.from_bytes(head[10:12]), int.from_bytes(head[21:26]) & 0xFFFFFFFFF
    starts = [begin + (size - begin) * number // PLACES for number in range(1, PLACES)]
    seen = [next(_frames(file, at, largest), None) for at in starts]
    seen += list(_frames(file, max(0, size - WINDOW), largest))[-1:] or [None]
    known = [one for one in seen if one is not None]
    rises = all(before.at <= after.at for before, after in pairwise(known))
    if len(known) == len(seen) and rises and known[-1].end == (total or known[-1].end):
        return 0
    return searched(file, BEGIN, begin + len(FLAC), size)


def _frames(file: BinaryIO, start: int, largest: int) -> Iterator[_Frame]:
    """Yield the frames of a window."""
    file.seek(start)
    data = bytes(file.read(WINDOW))
    for found in SYNC.finditer(data):
        frame = _frame(data[found.start() : found.start() + LONGEST], largest)
        if frame is not None:
            yield frame


def _frame(head: bytes, largest: int) -> _Frame | None:
    """Read the header of a frame, whose checksum tells it from other bytes (9.1)."""
    if len(head) < LONGEST or head[3] & 1:
        return None
    number, at = _coded(head, 4)
    code, rate = head[2] >> 4, head[2] & 15
    match code:
        case 6 | 7:
            width = code - 5
            samples = int.from_bytes(head[at : at + width]) + 1
            at += width
        case 1:
            samples = 192
        case _:
            samples = 576 << code - 2 if code < 6 else 256 << code - 8
    at += (rate == 12) + 2 * (rate in (13, 14))
    if number is None or rate == 15 or _crc(head[:at]) != head[at]:
        return None
    first = number if head[1] & 1 else number * largest
    return _Frame(first, first + samples)


def _coded(head: bytes, at: int) -> tuple[int | None, int]:
    """Return a number that is coded as UTF-8 codes characters, and where it ends (9.1.5)."""
    first = head[at]
    more = next((bits for bits in range(8) if not first & 0x80 >> bits), 8)
    if more in (1, 8):
        return None, at
    more = max(0, more - 1)
    number = first & 0x7F >> (more + 1 if more else 0)
    for byte in head[at + 1 : at + 1 + more]:
        number = number << 6 | byte & 0x3F
    return number, at + 1 + more


def _crc(data: bytes) -> int:
    """Return the checksum of a header: the polynomial is x^8 + x^2 + x + 1 (9.1.8)."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ (0x07 if value & 0x80 else 0)) & 0xFF
    return value


def searched(file: BinaryIO, mark: re.Pattern[bytes], start: int, end: int) -> int:
    """Return where bytes are found in ``[start, end)``; 0: nowhere.

    Args:
        file: The source; its position is moved.
        mark: The bytes, at most `LONGEST`.
        start: Where to begin.
        end: Where to stop.
    """
    for at in range(start, end, CHUNK):
        file.seek(at)
        found = mark.search(bytes(file.read(min(CHUNK + LONGEST, end - at))))
        if found is not None:
            return at + found.start()
    return 0
