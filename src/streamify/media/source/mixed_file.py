"""A second file behind one that says where it ends: FFmpeg reads none of it, or takes it for more of the first."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from streamify.media.source.mixed import mixed
from streamify.media.source.mixed_flac import FLAC, searched, second_flac

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
"""GUID of a Header Object (ASF specification, 3.1)."""
W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
"""GUID of a RIFF chunk of Sony Wave64."""
WTV, SECTORS, SECTOR = bytes.fromhex("b7d800203749da11a64e0007e95ead8d"), 0x5C, 12
"""GUID with which a recording of Windows begins, where it says how many sectors it has, and bits of their size."""
REAL, MEDIA = b".RMF", b"DATA"
"""Chunks of RealMedia: the first one, and that of its packets."""
PACKETS = 10
"""Bytes by which FFmpeg's own RealMedia say that their packets are longer than they are."""
AMR = b"#!AMR"
"""Magic number of AMR and AMR-WB (RFC 4867, 5), whose frames do not say where they end."""
PARTITION, HEADER = bytes.fromhex("060e2b34020501010d01020101"), 2
"""First bytes of the key of a partition of MXF, and the next one of a file's first (SMPTE ST 377-1, 7.1)."""
KEY = 16
"""Bytes of a key."""
MOST = 256 << 20
"""Bytes looked through for a magic number."""
ENTIRE = 24
"""Bytes of the header of an object of ASF, or a chunk of Wave64: a GUID and a size of 64 bits."""
ELEMENTS = 64
"""Top-level objects, or chunks, that are passed."""


def refuse_second_file(file: BinaryIO, size: int) -> None:
    """Refuse a source behind whose end, by its own words, another file of its kind begins.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.

    Raises:
        SourceError: ``source-joined``.
    """
    begin = _behind_tag(file)
    file.seek(begin)
    head = bytes(file.read(64))
    end = _end(file, size, head) if not begin or _kind(head) == FLAC else 0
    # Some writers leave out the byte that makes a length even.
    for at in (end, end - 1) if head.startswith((b"RIFF", b"FORM")) else (end,):
        if 0 < at < size:
            file.seek(at)
            if _kind(bytes(file.read(64))) == _kind(head):
                raise mixed(f"what begins at byte {at} is not read")


def _behind_tag(file: BinaryIO) -> int:
    """Return where the media begins behind a tag of ID3, as some programs put in front of FLAC (ID3v2.4.0, 3.1)."""
    file.seek(0)
    head = bytes(file.read(10))
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << 21 - 7 * place for place, byte in enumerate(head[6:]))


def _kind(head: bytes) -> bytes:
    """Return what tells the kind of a file; empty where it is none of these."""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return b"RIFF"
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return b"FORM"
    if head.startswith(PARTITION + bytes([HEADER])):
        return PARTITION
    return next((one for one in (b"caff\0\1", ASF, W64, WTV, REAL, AMR, FLAC) if head.startswith(one)), b"")


def _end(file: BinaryIO, size: int, head: bytes) -> int:
    """Return where a file ends; 0: it does not say so."""
    match _kind(head):
        case b"RIFF" | b"FORM" as kind:
            (length,) = struct.unpack_from("<I" if kind == b"RIFF" else ">I", head, 4)
            return 8 + int(length) + int(length) % 2
        case b"caff\0\1":
            return _passed(file, size, 8, ">4sq", 0, b"caff")
        case kind if kind == W64:
            length = _of_first(head)
            return length + -length % 8
        case kind if kind == ASF:
            return _passed(file, size, _of_first(head), "<16sQ", ENTIRE, ASF)
        case kind if kind == WTV:
            file.seek(SECTORS)
            return int.from_bytes(file.read(4), "little") << SECTOR
        case kind if kind == REAL:
            return _real(file, size)
        case kind if kind == PARTITION:
            return _material(file, size)
        case kind if kind == AMR:
            return searched(file, re.compile(AMR), len(AMR), min(size, MOST))
        case kind if kind == FLAC:
            return second_flac(file, size, _behind_tag(file))
        case _:
            return 0


def _of_first(head: bytes) -> int:
    """Return the length of the first object of ASF, or chunk of Wave64; 0: the file ends within its header."""
    return int.from_bytes(head[16:ENTIRE], "little") if len(head) >= ENTIRE else 0


def _passed(file: BinaryIO, size: int, at: int, layout: str, counted: int, anew: bytes) -> int:
    """Return where elements end that lie side by side: at one with which another file begins; 0: they do not.

    Args:
        file: The source.
        size: Its size, bytes.
        at: Where the first one is.
        layout: Of their headers: kind and length.
        counted: Bytes of the header that the length counts in.
        anew: The kind with which another file begins.
    """
    width = struct.calcsize(layout)
    for _ in range(ELEMENTS):
        if not 0 < at <= size - width:
            return 0
        file.seek(at)
        data = bytes(file.read(width))
        if data.startswith(anew):
            return at
        _, length = struct.unpack(layout, data)
        if length < counted:
            return 0  # to the end of the file, or not known
        at += width + length - counted
    return 0


def _real(file: BinaryIO, size: int) -> int:
    """Return where another file of RealMedia begins behind the chunks of one; 0: none does."""
    at = 0
    for _ in range(ELEMENTS):
        file.seek(at)
        kind, length = struct.unpack(">4sI", bytes(file.read(8)).ljust(8, b"\0"))
        if length < 8 or not at + length <= size + PACKETS:
            return 0
        at += int(length)
        if kind == MEDIA:
            file.seek(at - PACKETS)
            place = bytes(file.read(PACKETS + len(REAL))).find(REAL)
            if place >= 0:
                return at - PACKETS + place
        elif _kind_at(file, at) == REAL:
            return at
    return 0


def _kind_at(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return _kind(bytes(file.read(64)))


def _material(file: BinaryIO, size: int) -> int:
    """Return where another MXF begins behind the footer of one, or behind all that follows it; 0: none does."""
    file.seek(KEY)
    head = bytes(file.read(64))
    _, body = _length(head, 0)
    # Versions, KAG size, this partition, the one before, the footer (SMPTE ST 377-1, 7.1, table 5).
    at = int.from_bytes(head[body + 24 : body + 32])
    for _ in range(ELEMENTS):
        if not 0 < at <= size - KEY:
            return 0
        file.seek(at)
        data = bytes(file.read(KEY + 9))
        if _kind(data) == PARTITION:
            return at
        length, behind = _length(data, KEY)
        at += behind + length
    return 0


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length of BER, and where it ends (ISO/IEC 8825-1, 8.1.3)."""
    first = data[at] if at < len(data) else 0
    if first < 0x80:
        return first, at + 1
    behind = at + 1 + (first & 0x7F)
    return int.from_bytes(data[at + 1 : behind]), behind
