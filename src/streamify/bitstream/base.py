"""What every reader of a bitstream returns, and how bits are read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

Buffer = bytes | memoryview


class Coded(NamedTuple):
    """One coded picture of a packet."""

    sequence: int
    """Number of the run of pictures that `order` counts in; all pictures of one are shown before those of the next."""
    order: int
    """Where the picture is shown among those of its sequence; not always without gaps."""
    second: bool = False
    """Whether it is the second field of the picture before it."""
    shown: bool = True
    """Whether it is shown, and not only referred to."""
    leads: bool = False
    """Whether decoding can begin at it: an IDR, a key picture, an I picture."""
    guessed: bool = False
    """Whether it cannot be read, so that `order` is a guess."""


class Reader(Protocol):
    """Reads the packets of one stream in decode order."""

    @property
    def reorders(self) -> bool | None:
        """Whether pictures may be shown in another order than decoded; ``None``: not known."""
        ...

    def read(self, data: bytes) -> list[Coded]:
        """Return the pictures that begin in a packet; none where it holds only parameters, messages or filler.

        What cannot be read counts as one picture: it is damaged, and to be missed.
        """
        ...


class OutOfBitsError(ValueError):
    """The data ends inside a header."""


class Bits:
    """Reads big-endian bit fields and Exp-Golomb codes (ITU-T H.264, 9.1)."""

    def __init__(self, data: Buffer) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        self._left -= count
        if self._left < 0:
            raise OutOfBitsError
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit."""
        return bool(self.read(1))

    def ue(self) -> int:
        """Return an unsigned Exp-Golomb code."""
        rest = self._value & ((1 << self._left) - 1)
        zeros = self._left - rest.bit_length()
        if zeros > 32:
            raise OutOfBitsError
        self.read(zeros)
        return self.read(zeros + 1) - 1

    def se(self) -> int:
        """Return a signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def start_codes(data: bytes) -> Iterator[int]:
    """Yield where the byte behind each start code (00 00 01) is."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        yield at + 3
        at = data.find(b"\0\0\1", at + 3)


def units(data: bytes, width: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each NAL unit.

    Args:
        data: A packet, or parameter sets.
        width: Bytes of the length before each unit; 0: start codes separate them (ITU-T H.264, annex B).
    """
    if not width:
        starts = [*start_codes(data), len(data) + 3]
        for start, following in pairwise(starts):
            yield start, following - 3
        return
    at = 0
    while at + width < len(data):
        end = at + width + int.from_bytes(data[at : at + width], "big")
        yield at + width, min(end, len(data))
        at = end


def payload(data: bytes, start: int, end: int, limit: int) -> bytes:
    """Return up to `limit` bytes of a NAL unit without its emulation prevention bytes (ITU-T H.264, 7.4.1.1)."""
    return bytes(data[start : min(end, start + limit)]).replace(b"\0\0\3", b"\0\0")
