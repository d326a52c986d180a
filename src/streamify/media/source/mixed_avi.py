"""AVI files joined into one whose streams are not described alike: FFmpeg reads all by the description of the first."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, NamedTuple

from streamify.media.source.mixed import mixed

FILES = 1000
"""Parts of a file, its own or of others, that are passed."""
HEADER = 1 << 20
"""Bytes of the list of streams that are looked at."""
RESIZED = frozenset({b"FMP4", b"XVID", b"DIVX", b"DX50", b"MP4V", b"MJPG", b"H264", b"X264", b"AVC1", b"HEVC", b"MPG2"})
"""Codecs whose pictures say how large they are."""


class _Stream(NamedTuple):
    kind: bytes
    codec: bytes
    """What a decoder takes from it."""
    rate: tuple[Fraction | None, int]
    """Seconds of a tick, and bytes that are one."""


def refuse_other_avi(file: BinaryIO, size: int) -> None:
    """Refuse a source in which another AVI begins whose streams have other codecs or rates.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.

    Raises:
        SourceError: ``source-joined``.
    """
    first: list[_Stream] | None = None
    for at, end in _parts(file, size):
        streams = _streams(file, at, end)
        if first is not None and streams != first:
            raise mixed(f"streams are described otherwise from byte {at} on")
        first = streams if first is None else first


def _parts(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield where files begin, and where their first parts end; others go on in one (OpenDML AVI, 3)."""
    at = 0
    for _ in range(FILES):
        if at > size - 12:
            return
        file.seek(at)
        head = bytes(file.read(12))
        if not head.startswith(b"RIFF") or head[8:] not in (b"AVI ", b"AVIX"):
            return
        length = int.from_bytes(head[4:8], "little")
        after = at + 8 + length + length % 2
        if head[8:] == b"AVI ":
            yield at, after
        at = after


def _streams(file: BinaryIO, at: int, end: int) -> list[_Stream]:
    file.seek(at + 12)
    data = bytes(file.read(12))
    length = int.from_bytes(data[4:8], "little")
    if data[:4] != b"LIST" or data[8:] != b"hdrl" or at + 20 + length > end:
        return []
    data = bytes(file.read(min(HEADER, length)))
    lists = (dict(_chunks(body[4:])) for kind, body in _chunks(data) if kind == b"LIST" and body[:4] == b"strl")
    return [_stream(one.get(b"strh", b""), one.get(b"strf", b"")) for one in lists]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _stream(header: bytes, form: bytes) -> _Stream:
    kind = header[:4]
    scale, rate = struct.unpack_from("<2I", header.ljust(48, b"\0"), 20)
    sample = int.from_bytes(header[44:48], "little")
    if kind == b"vids":
        resized = form[16:20].upper() in RESIZED
        # BITMAPINFOHEADER without its own size and the sizes of a picture.
        form = form[14:20] + form[40:] + (b"" if resized else form[4:12])
    elif kind == b"auds":
        form = form[:8] + form[12:]  # WAVEFORMATEX without the mean of bytes
    return _Stream(kind, form, (Fraction(scale, rate) if rate else None, sample))
