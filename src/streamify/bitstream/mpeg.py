"""MPEG-1, MPEG-2 and MPEG-4 part 2 video: pictures and fields; B pictures are shown at once, others one later."""

from __future__ import annotations

from streamify.bitstream.base import Bits, Coded, OutOfBitsError, start_codes

PICTURE, EXTENSION, VOL, VOP = 0x00, 0xB5, range(0x20, 0x30), 0xB6


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
        return [self._frame(2)] if unread else found

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


class Mpeg4Reader:
    """Reads MPEG-4 part 2 (ISO/IEC 14496-2, 6.2.5).

    A packed bitstream holds an anchor and the B picture before it in one packet. A decoder keeps that B picture for the
    next packet, whose own is kept in turn where it is a B picture, too (Xvid with several between two anchors), and is
    one that is not coded behind the last of them.
    """

    reorders: bool | None = None

    def __init__(self, extradata: bytes) -> None:
        self._bits = 0
        self._anchor = 0
        self._inside = 0
        self._carried: int | None = None
        for at in start_codes(extradata):
            if at < len(extradata) and extradata[at] in VOL:
                self._bits = _time_bits(extradata[at + 1 : at + 65]) or self._bits

    def read(self, data: bytes) -> list[Coded]:
        """Return the pictures that a decoder shows for a packet."""
        kinds: list[int | None] = []
        unread = bool(data)
        for at in start_codes(data):
            unread = False
            code = data[at] if at < len(data) else -1
            if code in VOL:
                self._bits = _time_bits(data[at + 1 : at + 65]) or self._bits
            elif code == VOP and at + 1 < len(data):
                kinds.append(data[at + 1] >> 6 if self._coded(data[at + 1 : at + 24]) else None)
        if not kinds:
            return [self._frame(1)] if unread else []
        kept = self._carried
        behind = kinds if kept is not None else kinds[1:]
        self._carried = next((kind for kind in behind if kind is not None), None)
        shown = kept if kept is not None else kinds[0]
        return [] if shown is None else [self._frame(shown)]

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
