"""A second file in the midst of one that does not say where it ends, found beside its packets: IVF, FLV, GXF, Ogg."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import BinaryIO

from streamify.media.source.mixed import is_flv, mixed

IVF = b"DKIF"
"""What an IVF begins with, which as the length of a frame is this many bytes."""
FLV_LEAST, GXF_LEAST = 40, 96
"""Bytes between two packets from which on another file may begin: the headers of it and of its first packets."""
GXF_LEADER, GXF_HEADER, GXF_END = bytes((0, 0, 0, 0, 1)), 16, 0xFB
"""What a GXF's packets begin with, bytes of their header, and the kind of the last one (SMPTE 360M, 6)."""
PAGE, FIRST = b"OggS\0", 2
"""What a page of Ogg begins with, and the mark of the first one of a stream (RFC 3533, 6)."""
REST = 1 << 20
"""Bytes behind the last packet of Ogg in which such a page is looked for."""
STEPS = 10_000
"""Tags, or packets, that are passed between two packets of media."""

_Packets = tuple[Sequence[int], Sequence[int]]
"""Byte offsets of packets, -1 where they are not known, and their sizes."""


def refuse_file_between(file: BinaryIO, format_name: str, pictures: _Packets, sounds: Iterable[_Packets]) -> None:
    """Refuse a source between whose packets another file begins.

    Args:
        file: The source; its position is moved.
        format_name: Of its container.
        pictures: Packets of pictures.
        sounds: Packets of each stream of sound.

    Raises:
        SourceError: ``source-joined``.
    """
    if format_name == "ivf":
        found = _ivf(file, *pictures)
    elif format_name == "flv":
        found = _between(file, [pictures, *sounds], FLV_LEAST, _flv)
    elif format_name == "gxf":
        found = _between(file, [pictures, *sounds], GXF_LEAST, _gxf)
    elif format_name == "ogg":
        found = _ogg(file, [pictures, *sounds])
    else:
        return
    if found is not None:
        raise mixed(f"what begins at byte {found} is not read")


def _ivf(file: BinaryIO, positions: Sequence[int], sizes: Sequence[int]) -> int | None:
    """Return where a frame is the header of a file, which FFmpeg takes for one of more than a gigabyte."""
    named = int.from_bytes(IVF, "little")
    for number, at in enumerate(positions):
        if at > 0 and (sizes[number] == named or number == len(positions) - 1):
            file.seek(at)
            if file.read(len(IVF)) == IVF:
                return at
    return None


def _between(
    file: BinaryIO, streams: Iterable[_Packets], least: int, walk: Callable[[BinaryIO, int, int], int | None]
) -> int | None:
    packets = sorted(pair for positions, sizes in streams for pair in zip(positions, sizes, strict=True) if pair[0] > 0)
    for (before, size), (after, _) in pairwise(packets):
        if after - before - size >= least and (found := walk(file, before, after)) is not None:
            return found
    return None


def _flv(file: BinaryIO, at: int, end: int) -> int | None:
    """Pass tags and the sizes behind them (Adobe FLV 10.1, annex E.3); FFmpeg's packets are where a tag begins."""
    for _ in range(STEPS):
        if at >= end:
            break
        file.seek(at)
        head = bytes(file.read(11))
        if is_flv(head):
            return at
        at += 11 + int.from_bytes(head[1:4]) + 4
    return None


def _gxf(file: BinaryIO, at: int, end: int) -> int | None:
    """Pass packets up to the last one of a file; FFmpeg's are behind two headers."""
    at -= 2 * GXF_HEADER
    for _ in range(STEPS):
        file.seek(at)
        head = bytes(file.read(GXF_HEADER))
        length = int.from_bytes(head[6:10])
        if not head.startswith(GXF_LEADER) or length < GXF_HEADER:
            break
        at += length
        if at >= end - 2 * GXF_HEADER:
            break
        if head[5] == GXF_END:
            return at
    return None


def _ogg(file: BinaryIO, streams: Iterable[_Packets]) -> int | None:
    """Return where streams begin behind the last packet: FFmpeg ends there if they have other numbers and are several.

    Its packets are where a page begins. Streams of headers alone, as at the end of a recording, lack nothing.
    """
    last = max((at for positions, _ in streams for at in positions), default=-1)
    if last < 0:
        return None
    file.seek(last)
    data = bytes(file.read(REST))
    at = data.find(PAGE, 1)
    while at >= 0:
        if data[at + len(PAGE) : at + len(PAGE) + 1] > b"\1" and data[at + len(PAGE)] & FIRST:
            return last + at if _has_media(data, at) else None
        at = data.find(PAGE, at + 1)
    return None


def _has_media(data: bytes, at: int) -> bool:
    """Whether a page of Ogg from `at` on has a time (RFC 3533, 6, granule position): those of headers have 0."""
    while at >= 0:
        if int.from_bytes(data[at + 6 : at + 14], "little", signed=True) > 0:
            return True
        at = data.find(PAGE, at + 1)
    return len(data) == REST  # headers that go on behind what was read
