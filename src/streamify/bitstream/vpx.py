"""VP8, VP9 and AV1: which packets show a picture. None of them reorders: what is shown is shown at once."""

from __future__ import annotations

from streamify.bitstream.base import Bits, Coded, OutOfBitsError

KEY = b"\x9d\x01\x2a"
"""VP8 (RFC 6386, 9.1): start code of key frames."""
MARKER = 2
"""VP9 (6.2): the first two bits of each frame."""
SEQUENCE, FRAME_HEADER, FRAME = 1, 3, 6
"""AV1 (section 5.3): types of open bitstream units."""


class _Reader:
    """Counts pictures; what a stream says outside of its packets is not needed."""

    reorders: bool | None = False

    def __init__(self, extradata: bytes) -> None:
        del extradata
        self._count = 0


class Vp8Reader(_Reader):
    """Reads VP8 (RFC 6386, 9.1)."""

    def read(self, data: bytes) -> list[Coded]:
        """Return the picture of a packet."""
        if not data:
            return []
        self._count += 1
        key = not data[0] & 1
        broken = key and data[3:6] != KEY
        return [Coded(0, self._count, shown=broken or bool(data[0] & 0x10), leads=key and not broken)]


class Vp9Reader(_Reader):
    """Reads VP9 (uncompressed header, 6.2; superframes, annex B)."""

    def read(self, data: bytes) -> list[Coded]:
        """Return the picture that a packet shows, or feeds later ones with."""
        if not data:
            return []
        self._count += 1
        first = data[0]
        if first >> 6 != MARKER:
            return [Coded(0, self._count)]
        if first >> 4 & 3 == 3:
            first <<= 1  # profile 3 has a reserved bit more
        superframe = data[-1] & 0xE0 == 0xC0 and len(data) > 1
        repeated = bool(first & 0x08)
        # A superframe ends in a picture that is shown.
        shown = superframe or repeated or bool(first & 0x02)
        return [Coded(0, self._count, shown=shown, leads=not repeated and not first & 0x04)]


class Av1Reader(_Reader):
    """Reads AV1 (sections 5.3 to 5.9)."""

    def __init__(self, extradata: bytes) -> None:
        super().__init__(extradata)
        self._still = False
        if extradata[:1] == b"\x81":
            self._units(extradata[4:])

    def read(self, data: bytes) -> list[Coded]:
        """Return the picture that a packet shows, or one that is not shown where it only feeds later ones."""
        found = self._units(data)
        if not found and data and not data.strip(b"\0"):
            found = [(True, False)]  # no unit has type 0
        if not found:
            return []
        self._count += 1
        return [Coded(0, self._count, shown=any(shown for shown, _ in found), leads=found[0][1])]

    def _units(self, data: bytes) -> list[tuple[bool, bool]]:
        found: list[tuple[bool, bool]] = []
        at = 0
        while at < len(data):
            head = data[at]
            kind, at = head >> 3 & 15, at + 1 + (head >> 2 & 1)
            size = len(data) - at
            if head & 2:
                size, at = _leb128(data, at)
            body = data[at : at + min(size, 16)]
            if kind == SEQUENCE and body:
                self._still = bool(body[0] & 0x08)
            elif kind in (FRAME, FRAME_HEADER) and body:
                found.append(self._shown(body))
            at += size
        return found

    def _shown(self, body: bytes) -> tuple[bool, bool]:
        if self._still:
            return True, True
        try:
            bits = Bits(body)
            if bits.flag():
                return True, False
            kind = bits.read(2)
            return bits.flag(), kind == 0
        except OutOfBitsError:
            return False, False


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        if at >= len(data):
            return 0, at
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value, at
