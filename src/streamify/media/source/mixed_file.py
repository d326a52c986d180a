"""A second file behind one that says how long it is: WAV, AIFF, CAF, W64 and ASF. FFmpeg reads none of it."""

from __future__ import annotations

import struct
from typing import BinaryIO

from streamify.media.source.mixed import mixed

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
"""GUID of a Header Object (ASF specification, 3.1)."""
W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
"""GUID of a RIFF chunk of Sony Wave64."""
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
    file.seek(0)
    head = bytes(file.read(64))
    end = _end(file, size, head)
    # Some writers leave out the byte that makes a length even.
    for at in (end, end - 1) if head.startswith((b"RIFF", b"FORM")) else (end,):
        if 0 < at < size:
            file.seek(at)
            if _kind(bytes(file.read(64))) == _kind(head):
                raise mixed(f"what begins at byte {at} is not read")


def _kind(head: bytes) -> bytes:
    """Return what tells the kind of a file; empty where it is none of these."""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return b"RIFF"
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return b"FORM"
    return next((one for one in (b"caff\0\1", ASF, W64) if head.startswith(one)), b"")


def _end(file: BinaryIO, size: int, head: bytes) -> int:
    """Return where a file ends; 0: it does not say so."""
    match _kind(head):
        case b"RIFF" | b"FORM" as kind:
            (length,) = struct.unpack_from("<I" if kind == b"RIFF" else ">I", head, 4)
            return 8 + int(length) + int(length) % 2
        case b"caff\0\1":
            return _passed(file, size, 8, ">4sq", 0, b"caff")
        case kind if kind == W64:
            (length,) = struct.unpack_from("<Q", head, 16)
            return int(length) + -int(length) % 8
        case kind if kind == ASF:
            return _passed(file, size, ENTIRE + _first(head), "<16sQ", ENTIRE, ASF)
        case _:
            return 0


def _first(head: bytes) -> int:
    (length,) = struct.unpack_from("<Q", head, 16)
    return int(length) - ENTIRE


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
