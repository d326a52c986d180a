"""The head of an FLV file, by hand: what has to stand before a later part of it (Adobe FLV 10.1, annex E)."""

from __future__ import annotations

import re
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


TAG = re.compile(rb"(?=[\x08\x09\x12].{7}\0\0\0)", re.DOTALL)
"""Start of a tag: sound, pictures or data, then size and time, and a stream's number that is always 0 (annex E.4.1)."""
FOLLOWING = 3
"""Tags in a row by which one is told from bytes in another that look like it."""
READ = 1 << 20
"""Bytes looked through at once."""
SOUGHT = 17 << 20
"""Bytes looked through at most: no tag is longer than 16 MiB."""
LOOKS = 10_000
"""Places looked at, at most: one byte in a billion of a picture looks like a tag, in hostile files half of them."""


def tag_behind(file: BinaryIO, offset: int, size: int) -> int | None:
    """Return where the first tag at or behind an offset begins; ``None``: there is none.

    FFmpeg takes whatever bytes it is given first for one, and so finds streams in the middle of a picture.

    Args:
        file: The source.
        offset: Bytes.
        size: Of the source, bytes.
    """
    looks = 0
    for start in range(offset, min(offset + SOUGHT, size), READ):
        file.seek(start)
        data = bytes(file.read(READ + 10))
        for found in TAG.finditer(data):
            looks += 1
            if looks > LOOKS:
                return None
            if _is_tag(file, start + found.start(), size):
                return start + found.start()
    return None


def _is_tag(file: BinaryIO, at: int, size: int) -> bool:
    """Return whether tags follow each other from here on, or up to the end of the file."""
    for number in range(FOLLOWING):
        file.seek(at)
        head = bytes(file.read(11))
        if number and at == size:
            return True
        length = int.from_bytes(head[1:4])
        if not TAG.match(head) or not length:
            return False
        at += 11 + length + 4
    return True
