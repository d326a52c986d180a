"""MPEG-1, MPEG-2 and MPEG-4 part 2 video: pictures and fields; B pictures are shown at once, others one later."""

from __future__ import annotations

from typing import NamedTuple

from streamify.bitstream.base import Bits, Coded, OutOfBitsError, start_codes

PICTURE, EXTENSION, VOL, VOP, SEQUENCE = 0x00, 0xB5, range(0x20, 0x30), 0xB6, 0xB0
HEADERS = (0xB3, 0xB8)
"""Of a sequence and of a group of pictures, in MPEG-1 and MPEG-2."""


SPAN = 1 << 20
"""Distance of the orders of two anchors: room for the B pictures between them."""


class Mpeg12Reader:
    """Reads MPEG-1 and MPEG-2 video (ISO/IEC 13818-2, 6.2.3)."""

    reorders: bool | None = None

    def __init__(self, extradata: bytes) -> None:
        del extradata  # nothing in it is needed
        self._anchor = 0
        self._inside = 0
        self._first: tuple[int, int, Coded] | None = None  # parity, kind and number of a field without its second one

    def read(self, data: bytes) -> list[Coded]:
        """Return the pictures that begin in a packet."""
        found: list[Coded] = []
        kind, unread = 0, bool(data)
        for at in start_codes(data):
            unread = False
            code = data[at] if at < len(data) else -1
            if code == PICTURE and at + 2 < len(data):
                kind = data[at + 2] >> 3 & 7
                found.append(self._frame(kind))
            elif code == EXTENSION and found and at + 3 < len(data) and data[at + 1] >> 4 == 8:
                structure = data[at + 3] & 3
                if structure in (1, 2):
                    found[-1] = self._field(found[-1], structure, kind)
        return [self._frame(2)._replace(guessed=True)] if unread else found

    def _frame(self, kind: int) -> Coded:
        if kind == 3:
            self._inside += 1
            return Coded(0, self._anchor - SPAN + self._inside)
        self._anchor += SPAN
        self._inside = 0
        return Coded(0, self._anchor, leads=kind == 1)

    def _field(self, coded: Coded, field: int, kind: int) -> Coded:
        first, self._first = self._first, None
        if first is None or first[0] + field != 3 or (first[1] == 3) != (kind == 3):
            self._first = field, kind, coded
            return coded
        if kind == 3:
            self._inside -= 1
        else:
            self._anchor -= SPAN
        return first[2]._replace(second=True)


class Field(NamedTuple):
    """A field picture of MPEG-2."""

    number: int
    """temporal_reference: that of the other field of its picture."""
    parity: int
    """picture_structure: 1 the top field, 2 the bottom field."""
    is_b: bool
    begins: bool
    """Whether a sequence or a group begins with it: it is the first field of its picture."""
    start: int
    """Where it starts in its packet, with its start code."""
    at: int
    """Where the byte is whose last two bits are its parity."""

    def other(self, data: bytes) -> bytes:
        """Return the field that is the last one of a packet, as the field of the other parity."""
        return data[self.start : self.at] + bytes([data[self.at] ^ 3]) + data[self.at + 1 :]


def fields(data: bytes) -> list[Field | None]:
    """Return the field pictures that begin in a packet of MPEG-2, and ``None`` for each whole one (6.2.3, 6.2.3.1)."""
    found: list[Field | None] = []
    start, number, kind, headed, begins = 0, 0, 0, False, False
    for at in start_codes(data):
        code = data[at] if at < len(data) else -1
        headed = headed or code in HEADERS
        if code == PICTURE and at + 2 < len(data):
            start, number, kind = at - 3, data[at + 1] << 2 | data[at + 2] >> 6, data[at + 2] >> 3 & 7
            begins, headed = headed, False
            found.append(None)
        elif code == EXTENSION and found and at + 3 < len(data) and data[at + 1] >> 4 == 8:
            structure = data[at + 3] & 3
            if structure in (1, 2):
                found[-1] = Field(number, structure, kind == 3, begins, start, at + 3)
    return found


class Vop(NamedTuple):
    """A picture of MPEG-4 part 2."""

    kind: int
    """vop_coding_type: 0 I, 1 P, 2 B, 3 S."""
    coded: bool
    """Whether it is coded, and does not only stand for the one before it."""
    behind: int = 0
    """Bytes of its packet that are not of a picture before it: headers, its own, and what follows."""


EMPTY = 7
"""Bytes up to which a decoder keeps nothing for the next packet: so many a picture that is not coded has at most."""


class Mpeg4Reader:
    """Reads MPEG-4 part 2 (ISO/IEC 14496-2, 6.2.5), packet by packet as FFmpeg's decoder does.

    A packed bitstream holds an anchor and the B picture before it in one packet. The decoder keeps that B picture for
    the next packet, whose own is kept in turn where it is a B picture, too (Xvid with several between two anchors), and
    is one that is not coded behind the last of them. It shows one picture for each packet, keeps only the first behind
    it and only an I or B picture, unless no more than `EMPTY` bytes are left, and drops the kept one where the next
    packet begins with a sequence header.
    """

    reorders: bool | None = None

    def __init__(self, extradata: bytes) -> None:
        self._bits = 0
        self._anchor = 0
        self._inside = 0
        self._kept: Vop | None = None
        self.lost = 0
        """Pictures that reading the last packet showed to be lost: the decoder never shows them."""
        self.delayed = False
        """Whether the last packet shows a picture of the one before it, so that decoding cannot begin at it."""
        for at in start_codes(extradata):
            if at < len(extradata) and extradata[at] in VOL:
                self._bits = _time_bits(extradata[at + 1 : at + 65]) or self._bits

    @property
    def pending(self) -> int:
        """Pictures that are lost if no packet follows."""
        return self._kept is not None and self._kept.coded

    def read(self, data: bytes) -> list[Coded]:
        """Return the picture that a decoder shows for a packet."""
        vops, first = self._vops(data)
        self.lost = 0
        if self._kept is not None and first == SEQUENCE:
            self.lost, self._kept = self.pending, None
        self.delayed = self._kept is not None
        if self._kept is not None:
            vops.insert(0, self._kept)
        self._kept = None
        if not vops:
            return [self._frame(1)._replace(guessed=True)] if data and first is None else []
        shown, behind = vops[0], vops[1:]
        if shown.coded and behind and behind[0].kind in (0, 2) and behind[0].behind > EMPTY:
            self._kept = behind.pop(0)
        self.lost += sum(vop.coded for vop in behind)
        return [self._frame(shown.kind)] if shown.coded else []

    def _vops(self, data: bytes) -> tuple[list[Vop], int | None]:
        """Return the pictures in a packet, and its first start code."""
        found: list[Vop] = []
        first = None
        end: int | None = 0  # of the picture before, where that is known
        for at in start_codes(data):
            code = data[at] if at < len(data) else -1
            first = code if first is None else first
            end = at - 3 if end is None else end
            if code in VOL:
                self._bits = _time_bits(data[at + 1 : at + 65]) or self._bits
            elif code == VOP and at + 1 < len(data):
                found.append(Vop(data[at + 1] >> 6, self._coded(data[at + 1 : at + 24]), len(data) - end))
                end = None
        return found, first

    def _frame(self, kind: int) -> Coded:
        if kind == 2:
            self._inside += 1
            return Coded(0, self._anchor - SPAN + self._inside)
        self._anchor += SPAN
        self._inside = 0
        return Coded(0, self._anchor, leads=kind == 0)

    def _coded(self, head: bytes) -> bool:
        try:
            bits = Bits(head)
            bits.read(2)
            while bits.flag():
                pass
            bits.read(1 + self._bits + 1)
            return bits.flag()
        except OutOfBitsError:
            return False


def _time_bits(data: bytes) -> int:
    """Return the width of vop_time_increment from the start of a video object layer (6.2.3); 0: it cannot be read."""
    try:
        bits = Bits(data)
        bits.read(9)
        if bits.flag():
            bits.read(7)
        if bits.read(4) == 15:
            bits.read(16)
        if bits.flag():
            bits.read(3)
            if bits.flag():
                bits.read(79)
        shape = bits.read(2)
        if shape:
            return 0
        bits.read(1)
        return max(1, (bits.read(16) - 1).bit_length())
    except OutOfBitsError:
        return 0
