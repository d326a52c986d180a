"""H.264: pictures, fields and picture order counts (ITU-T H.264, 7.3 and 8.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from streamify.bitstream.base import Bits, Coded, OutOfBitsError, payload, units

SLICE, PARTITION, IDR, SPS, PPS, EXTENSION = 1, 2, 5, 7, 8, 20
HEADER = 64
"""Bytes of a slice that are read at most."""
HIGH = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)


@dataclass(frozen=True)
class _Sequence:
    frame_bits: int
    kind: int
    order_bits: int
    frames_only: bool
    planes: bool
    delta_zero: bool = False
    non_reference: int = 0
    top_to_bottom: int = 0
    cycle: tuple[int, ...] = ()
    reorder: int | None = None
    """Most pictures that are decoded before one and shown after it, where the stream says so."""


@dataclass(frozen=True)
class _Slice:
    idr: bool
    reference: bool
    frame: int
    field: int
    idr_id: int
    order: int
    delta: tuple[int, int]
    sequence: _Sequence


class H264Reader:
    """Reads H.264.

    Args:
        extradata: Of the stream: an ``avcC``, parameter sets behind start codes, or nothing.
    """

    def __init__(self, extradata: bytes) -> None:
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, tuple[int, bool]] = {}
        self._width = 0
        self._number = 0
        self._last: _Slice | None = None
        self._first: _Slice | None = None  # a field without its second one
        self._high, self._low = 0, 0
        self._frame_offset = 0
        self._order, self._guessed = 0, 0
        self.views = False
        """Whether pictures of another view were met (MVC, annex I)."""
        self.renew(extradata)

    def renew(self, extradata: bytes) -> None:
        """Take parameter sets that hold from here on."""
        if extradata[:1] == b"\1" and len(extradata) > 6:
            self._width = (extradata[4] & 3) + 1
            self._configuration(extradata)
        else:
            self._parameters(extradata)

    @property
    def reorders(self) -> bool | None:
        """Whether pictures may be shown in another order than decoded; ``None``: no parameter set says."""
        if not self._sequences:
            return None
        return not all(one.reorder == 0 or one.kind == 2 for one in self._sequences.values())

    def read(self, data: bytes) -> list[Coded]:
        """Return the pictures that begin in a packet."""
        found: list[Coded] = []
        unread = True
        for start, end in units(data, self._width):
            if start + 1 >= end:
                continue
            kind = data[start] & 31
            unread = unread and (kind in (SLICE, PARTITION, IDR) or not kind or bool(data[start] & 0x80))
            try:
                if kind in (SLICE, PARTITION, IDR):
                    if not data[start + 1] & 0x80 and (found or not self._changed(data, start, end)):
                        continue  # not the picture's first slice
                    coded = self._picture(data, start, end)
                    if coded is not None:
                        found.append(coded)
                elif kind in (SPS, PPS):
                    self._parameter(data, start, end)
                elif kind == EXTENSION:
                    self.views = self.views or not data[start + 1] & 0x80  # set: scalable, as of one view (H.7.3.1.1)
            except OutOfBitsError:
                continue
        if not found and data and unread:
            self._guessed += 1  # a picture that cannot be read: damaged, or without its parameter sets
            found.append(Coded(self._number, self._order + self._guessed, guessed=True))
        return found

    def _configuration(self, data: bytes) -> None:
        """Read an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
        at = 5
        for mask in (31, 255):
            if at >= len(data):
                return
            count, at = data[at] & mask, at + 1
            for _ in range(count):
                end = at + 2 + int.from_bytes(data[at : at + 2], "big")
                if at + 3 < end <= len(data):
                    self._safely(data, at + 2, end)
                at = end

    def _parameters(self, data: bytes) -> None:
        for start, end in units(data, 0):
            if start < end:
                self._safely(data, start, end)

    def _safely(self, data: bytes, start: int, end: int) -> None:
        try:
            self._parameter(data, start, end)
        except OutOfBitsError:
            return  # a damaged set: the decoder will not have it either

    def _parameter(self, data: bytes, start: int, end: int) -> None:
        bits = Bits(payload(data, start + 1, end, 1024))
        if data[start] & 31 == SPS:
            number, sequence = _read_sequence(bits)
            self._sequences[number] = sequence
        elif data[start] & 31 == PPS:
            number, sequence_number = bits.ue(), bits.ue()
            bits.read(1)
            self._pictures[number] = sequence_number, bits.flag()

    def _slice(self, data: bytes, start: int, end: int) -> _Slice | None:
        bits = Bits(payload(data, start + 1, end, HEADER))
        bits.ue()
        bits.ue()
        if (where := self._pictures.get(bits.ue())) is None or (sps := self._sequences.get(where[0])) is None:
            return None
        if sps.planes:
            bits.read(2)
        idr = data[start] & 31 == IDR
        frame, field = bits.read(sps.frame_bits), 0
        if not sps.frames_only and bits.flag():
            field = 1 + bits.read(1)
        idr_id = bits.ue() if idr else 0
        order, delta = 0, [0, 0]
        if sps.kind == 0:
            order = bits.read(sps.order_bits)
            if where[1] and not field:
                delta[0] = bits.se()
        elif sps.kind == 1 and not sps.delta_zero:
            delta[0] = bits.se()
            if where[1] and not field:
                delta[1] = bits.se()
        return _Slice(idr, bool(data[start] & 0x60), frame, field, idr_id, order, (delta[0], delta[1]), sps)

    def _changed(self, data: bytes, start: int, end: int) -> bool:
        """Whether a slice is of another picture than the one before it: that picture's first slice is lost."""
        found = self._slice(data, start, end)
        return found is not None and found != self._last

    def _picture(self, data: bytes, start: int, end: int) -> Coded | None:
        found = self._slice(data, start, end)
        if found is None:
            return None
        last, self._last = self._last, found
        first = self._first
        second = first is not None and first.field + found.field == 3 and first.frame == found.frame
        second = second and not (found.idr and first is not None and first.idr_id != found.idr_id)
        self._first = found if found.field and not second else None
        if found.idr and not second:
            self._number += 1
        order = (self._by_code, self._by_cycle, self._by_frame)[found.sequence.kind](found, last)
        self._order, self._guessed = order, 0
        return Coded(self._number, order, second, leads=found.idr)

    def _by_code(self, found: _Slice, _: _Slice | None) -> int:
        """Type 0 (8.2.1.1)."""
        if found.idr:
            self._high = self._low = 0
        size = 1 << found.sequence.order_bits
        high = self._high
        if found.order < self._low and self._low - found.order >= size // 2:
            high += size
        elif found.order > self._low and found.order - self._low > size // 2:
            high -= size
        if found.reference:
            self._high, self._low = high, found.order
        return high + found.order + min(found.delta[0], 0)

    def _frames(self, found: _Slice, last: _Slice | None) -> int:
        if found.idr:
            self._frame_offset = 0
        elif last is not None and last.frame > found.frame:
            self._frame_offset += 1 << found.sequence.frame_bits
        return self._frame_offset + found.frame

    def _by_cycle(self, found: _Slice, last: _Slice | None) -> int:
        """Type 1 (8.2.1.2)."""
        sps, number = found.sequence, self._frames(found, last)
        if not sps.cycle:
            number = 0
        if not found.reference and number:
            number -= 1
        expected = 0
        if number:
            cycles, inside = divmod(number - 1, len(sps.cycle))
            expected = cycles * sum(sps.cycle) + sum(sps.cycle[: inside + 1])
        if not found.reference:
            expected += sps.non_reference
        return expected + found.delta[0] + (sps.top_to_bottom if found.field == 2 else 0)

    def _by_frame(self, found: _Slice, last: _Slice | None) -> int:
        """Type 2 (8.2.1.3): decode order."""
        number = self._frames(found, last)
        return 0 if found.idr else 2 * number - (not found.reference)


def _read_sequence(bits: Bits) -> tuple[int, _Sequence]:
    profile = bits.read(8)
    constraints = bits.read(16) >> 8
    number, planes = bits.ue(), False
    if profile in HIGH:
        chroma = bits.ue()
        planes = chroma == 3 and bits.flag()
        bits.ue()
        bits.ue()
        bits.read(1)
        if bits.flag():
            for matrix in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_scaling(bits, 16 if matrix < 6 else 64)
    frame_bits, kind = bits.ue() + 4, bits.ue()
    order_bits, delta_zero, non_reference, top_to_bottom = 0, False, 0, 0
    cycle: tuple[int, ...] = ()
    if kind == 0:
        order_bits = bits.ue() + 4
    elif kind == 1:
        delta_zero, non_reference, top_to_bottom = bits.flag(), bits.se(), bits.se()
        cycle = tuple(bits.se() for _ in range(min(bits.ue(), 255)))
    elif kind > 2:
        raise OutOfBitsError
    references = bits.ue()
    bits.read(1)
    bits.ue()
    bits.ue()
    frames_only = bits.flag()
    reorder = 0 if profile == 66 or (constraints & 0x10 and profile in HIGH) or not references else None
    if reorder is None:
        try:
            reorder = _declared_reorder(bits, frames_only)
        except OutOfBitsError:
            reorder = None
    return number, _Sequence(
        frame_bits, kind, order_bits, frames_only, planes, delta_zero, non_reference, top_to_bottom, cycle, reorder
    )


def _declared_reorder(bits: Bits, frames_only: bool) -> int | None:
    """Return max_num_reorder_frames (annex E.2.1) from behind frame_mbs_only_flag."""
    bits.read(1 if frames_only else 2)
    if bits.flag():
        for _ in range(4):
            bits.ue()
    if not bits.flag():
        return None
    if bits.flag() and bits.read(8) == 255:
        bits.read(32)
    if bits.flag():
        bits.read(1)
    if bits.flag():
        bits.read(4)
        if bits.flag():
            bits.read(24)
    if bits.flag():
        bits.ue()
        bits.ue()
    if bits.flag():
        bits.read(32), bits.read(32), bits.read(1)
    rates = 0
    for _ in range(2):
        if bits.flag():
            rates += 1
            count = bits.ue() + 1
            bits.read(8)
            for _ in range(min(count, 32)):
                bits.ue(), bits.ue(), bits.read(1)
            bits.read(20)
    if rates:
        bits.read(1)
    bits.read(1)
    if not bits.flag():
        return None
    bits.read(1)
    for _ in range(4):
        bits.ue()
    return bits.ue()


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last
