"""HEVC: pictures and picture order counts (ITU-T H.265, 7.3 and 8.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from streamify.bitstream.base import Bits, Coded, OutOfBitsError, payload, units

IDR, CRA, EOS, SPS, PPS = (19, 20), 21, 36, 33, 34
ENHANCEMENT = 63
"""Unspecified by H.265; here is the second layer of Dolby Vision, each of its NAL units with this header before it."""
IRAP = range(16, 24)
LEADING = range(6, 10)
HEADER = 64
"""Bytes of a slice that are read at most."""


@dataclass(frozen=True)
class _Sequence:
    order_bits: int
    planes: bool
    reorder: int | None
    """Most pictures that are decoded before one and shown after it."""


@dataclass(frozen=True)
class _Picture:
    sequence: int
    output_flag: bool
    extra: int


class HevcReader:
    """Reads HEVC; of several layers (MV-HEVC), the base.

    Args:
        extradata: Of the stream: an ``hvcC``, parameter sets behind start codes, or nothing.
    """

    def __init__(self, extradata: bytes) -> None:
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, _Picture] = {}
        self._width, self._number = 0, 0
        self._high, self._low = 0, 0
        self._order, self._guessed = 0, 0
        self._restart = True
        self.views = False
        """Whether pictures of another layer were met: of another view, or of transparency."""
        self.enhanced = False
        """Whether NAL units of Dolby Vision's enhancement layer were met (profile 7 in one track)."""
        self.renew(extradata)

    def renew(self, extradata: bytes) -> None:
        """Take parameter sets that hold from here on."""
        if extradata[:1] == b"\1" and len(extradata) > 22:
            self._width = (extradata[21] & 3) + 1
            self._configuration(extradata)
        else:
            for start, end in units(extradata, 0):
                self._parameter(extradata, start, end)

    @property
    def reorders(self) -> bool | None:
        """Whether pictures may be shown in another order than decoded; ``None``: no parameter set says."""
        if not self._sequences:
            return None
        return any(one.reorder != 0 for one in self._sequences.values())

    def read(self, data: bytes) -> list[Coded]:
        """Return the pictures that begin in a packet."""
        found: list[Coded] = []
        unread = True
        for start, end in units(data, self._width):
            if start + 2 >= end:
                continue
            if data[start] & 1 or data[start + 1] & 0xF8:
                self.views, unread = self.views or data[start] >> 1 & 63 < 32, False
                continue
            kind = data[start] >> 1 & 63
            unread = unread and kind < 32
            if kind < 32:
                if data[start + 2] & 0x80:
                    coded = self._picture(data, start, end, kind)
                    if coded is not None:
                        found.append(coded)
            elif kind == EOS:
                self._restart = True
            elif kind == ENHANCEMENT:
                self.enhanced = True
            else:
                self._parameter(data, start, end)
        if not found and data and unread:
            self._guessed += 1  # a picture that cannot be read: damaged, or without its parameter sets
            found.append(Coded(self._number, self._order + self._guessed, guessed=True))
        return found

    def _configuration(self, data: bytes) -> None:
        """Read an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)."""
        at = 23
        for _ in range(data[22]):
            count, at = int.from_bytes(data[at + 1 : at + 3], "big"), at + 3
            for _ in range(count):
                end = at + 2 + int.from_bytes(data[at : at + 2], "big")
                if end > len(data):
                    return
                self._parameter(data, at + 2, end)
                at = end

    def _parameter(self, data: bytes, start: int, end: int) -> None:
        if start + 2 >= end or data[start] >> 1 & 63 not in (SPS, PPS):
            return
        bits = Bits(payload(data, start + 2, end, 1024))
        try:
            if data[start] >> 1 & 63 == SPS:
                number, sequence = _read_sequence(bits)
                self._sequences[number] = sequence
            else:
                number, sequence_number = bits.ue(), bits.ue()
                bits.read(1)
                self._pictures[number] = _Picture(sequence_number, bits.flag(), bits.read(3))
        except OutOfBitsError:
            return  # a damaged set: the decoder will not have it either

    def _picture(self, data: bytes, start: int, end: int, kind: int) -> Coded | None:
        bits = Bits(payload(data, start + 2, end, HEADER))
        try:
            bits.read(1)
            if kind in IRAP:
                bits.read(1)
            pps = self._pictures.get(bits.ue())
            sps = self._sequences.get(pps.sequence) if pps is not None else None
            if pps is None or sps is None:
                return None
            bits.read(pps.extra)
            bits.ue()
            shown = bits.flag() if pps.output_flag else True
            if sps.planes:
                bits.read(2)
            order = bits.read(sps.order_bits) if kind not in IDR else 0
        except OutOfBitsError:
            return None
        temporal = (data[start + 1] & 7) - 1
        leads = kind in IRAP
        if leads and (kind != CRA or self._restart):
            self._number += 1
            self._high, self._low = 0, 0
            high = 0
        else:
            high = self._msb(order, 1 << sps.order_bits)
        self._restart = False
        if not temporal and not (kind in LEADING or (kind < 16 and not kind & 1)):
            self._high, self._low = high, order
        self._order, self._guessed = high + order, 0
        return Coded(self._number, high + order, shown=shown, leads=leads)

    def _msb(self, order: int, size: int) -> int:
        if order < self._low and self._low - order >= size // 2:
            return self._high + size
        if order > self._low and order - self._low > size // 2:
            return self._high - size
        return self._high


def _read_sequence(bits: Bits) -> tuple[int, _Sequence]:
    bits.read(4)
    layers = bits.read(3)
    bits.read(1)
    bits.read(96)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.read(2 * (8 - layers))
    for profile, level in present:
        bits.read(88 * profile + 8 * level)
    number = bits.ue()
    planes = bits.ue() == 3 and bits.flag()
    bits.ue()
    bits.ue()
    if bits.flag():
        for _ in range(4):
            bits.ue()
    bits.ue()
    bits.ue()
    order_bits = bits.ue() + 4
    reorder: int | None = None
    try:
        for _ in range(layers + 1 if bits.flag() else 1):
            bits.ue()
            reorder = bits.ue()
            bits.ue()
    except OutOfBitsError:
        reorder = None
    return number, _Sequence(order_bits, planes, reorder)
