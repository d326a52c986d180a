"""Dirac and VC-2: which packets hold a picture (Dirac specification 2.2.3, 9.3; SMPTE ST 2042-1, 10.4)."""

from __future__ import annotations

from streamify.bitstream.base import Coded

PREFIX = b"BBCD"
HEADER = 13
"""Bytes of parse info: the prefix, a code, and the distances to the next one and from the one before."""
PICTURE = 0x08


class DiracReader:
    """Tells packets with a picture from those of sequence headers, padding and ends of a sequence alone."""

    reorders: bool | None = None

    def __init__(self, extradata: bytes) -> None:
        del extradata
        self._count = 0

    def read(self, data: bytes) -> list[Coded]:
        """Return the picture of a packet; FFmpeg's parser gives each one of its own."""
        if not data or (data.startswith(PREFIX) and not _holds_picture(data)):
            return []
        self._count += 1
        return [Coded(0, self._count)]


def _holds_picture(data: bytes) -> bool:
    at = 0
    while len(data) >= at + HEADER and data[at : at + 4] == PREFIX:
        if data[at + 4] & PICTURE:
            return True
        distance = int.from_bytes(data[at + 5 : at + 9], "big")
        if distance < HEADER:
            return False
        at += distance
    return len(data) > at  # what cannot be read counts as one
