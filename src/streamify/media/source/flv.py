"""The head of an FLV file, by hand: what has to stand before a later part of it (Adobe FLV 10.1, annex E)."""

from __future__ import annotations

from typing import BinaryIO

HEADER = b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
"""Of a file with sound and pictures, with the size of the tag before the first."""
VIDEO = 9
TAGS = 64
"""Tags in which the decoder's configuration is looked for."""
LONGEST = 64 * 1024
"""Bytes that it may have."""


def flv_head(file: BinaryIO) -> bytes:
    """Return a header and the tag with the configuration of the pictures' decoder, which FFmpeg cannot do without."""
    file.seek(0)
    start = bytes(file.read(len(HEADER)))
    at = int.from_bytes(start[5:9]) + 4
    for _ in range(TAGS):
        file.seek(at)
        tag = bytes(file.read(13))
        if len(tag) < 13:
            break
        size = int.from_bytes(tag[1:4])
        if tag[0] & 31 == VIDEO and not tag[12] and size < LONGEST:
            file.seek(at)
            return HEADER + bytes(file.read(11 + size + 4))
        at += 11 + size + 4
    return HEADER
