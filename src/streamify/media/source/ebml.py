"""Elements of Matroska and WebM files (RFC 8794, RFC 9559)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from streamify.mp4.boxes import BoxError

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TIMESTAMP = 0xE7
"""Of a cluster; it begins with it, but for a CRC or void (RFC 9559, 5.1.3.1)."""
INSIDE = frozenset({TIMESTAMP, 0xA3, 0xA0, 0xA7, 0xAB, 0xAF, 0xBF, 0xEC, 0x5854})
"""Ids of the elements in a cluster."""
OPEN = frozenset({SEGMENT, CLUSTER})
"""Those whose size may be unknown: live recordings and pipes."""


def element(file: BinaryIO, at: int, limit: int) -> tuple[int, int, int]:
    """Return id, start of the body and end (capped by `limit`) of the EBML element at `at` (RFC 8794).

    One of unknown size ends at `limit`, as far as is known here.
    """
    file.seek(at)
    data = bytes(file.read(12))
    if len(data) < 2 or not data[0]:
        raise BoxError(f"no EBML element at byte {at}")
    width = 9 - data[0].bit_length()
    kind = int.from_bytes(data[:width], "big")
    if width > 4 or len(data) <= width or not data[width]:
        raise BoxError(f"no EBML element at byte {at}")
    length_width = 9 - data[width].bit_length()
    mask = (1 << 7 * length_width) - 1
    length = int.from_bytes(data[width : width + length_width], "big") & mask
    body = at + width + length_width
    if length == mask:
        if kind not in OPEN:
            raise BoxError(f"element of unknown size at byte {at}")
        return kind, body, limit
    return kind, body, min(body + length, limit)


def vint(data: bytes, at: int, *, marker: bool) -> tuple[int | None, int]:
    """Return a variable-size integer and where it ends (RFC 8794, 4); ``None`` where it is malformed or all ones.

    Args:
        data: Where it is.
        at: Its first byte.
        marker: Whether the bit that marks its width belongs to it, as in ids.
    """
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length()
    if width > 8 or at + width > len(data):
        return None, at
    value = int.from_bytes(data[at : at + width])
    unknown = (1 << 7 * width) - 1
    if not marker:
        value &= unknown
        if value == unknown:
            return None, at + width
    return value, at + width


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield id and payload of the elements that lie side by side, up to one that is malformed."""
    at = 0
    while at < len(data):
        kind, begin = vint(data, at, marker=True)
        length, begin = vint(data, begin, marker=False)
        if kind is None or length is None:
            return
        yield kind, data[begin : begin + length]
        at = begin + length
