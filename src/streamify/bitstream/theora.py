"""Theora: which packets hold a picture (Theora specification, 6.1 and 7.1)."""

from __future__ import annotations

from fractions import Fraction

from streamify.bitstream.base import Coded

HEADER, INTER = 0x80, 0x40
IDENTIFICATION = b"\x80theora"
RATE = (slice(22, 26), slice(26, 30))
"""Bytes of the rate in the first header (6.2): numerator and denominator."""
DEFAULT = Fraction(25)
"""Rate that FFmpeg takes where one of them is 0."""


class TheoraReader:
    """Tells pictures from the headers that stand where a further stream of a chained file begins."""

    reorders: bool | None = False

    def __init__(self, extradata: bytes) -> None:
        at = extradata.find(IDENTIFICATION)
        self._rate = _rate(extradata[at:]) if at >= 0 else None
        self._count = 0
        self.other_rate = False
        """Whether a further stream has another rate: FFmpeg counts its times in ticks of the first one."""

    def read(self, data: bytes) -> list[Coded]:
        """Return the picture of a packet."""
        if not data:
            return []
        if data[0] & HEADER:
            self.other_rate |= data.startswith(IDENTIFICATION) and self._rate not in (None, _rate(data))
            return []
        self._count += 1
        return [Coded(0, self._count, leads=not data[0] & INTER)]


def _rate(header: bytes) -> Fraction:
    """Return the rate in a first header: 25/1 and 25000/1000 are one."""
    numerator, denominator = (int.from_bytes(header[part]) for part in RATE)
    return Fraction(numerator, denominator) if numerator and denominator else DEFAULT
