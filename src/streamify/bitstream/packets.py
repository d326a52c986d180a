"""What is read of a stream's packets. Pure."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from zlib import crc32

NONE = -(1 << 63)
"""Stands for "no time" in arrays of times (FFmpeg's AV_NOPTS_VALUE)."""

PRINTED = 512
"""Bytes at both ends of a packet that its fingerprint is made of."""


def print_of(data: bytes) -> int:
    """Return the fingerprint of a packet's bytes."""
    return len(data) << 32 | crc32(data[:PRINTED] + data[-PRINTED:])


def mark_of(time: int, fingerprint: int) -> int:
    """Return a number that says which packet has a time (ticks)."""
    return crc32(struct.pack("<qQ", time, fingerprint))


def sum_of(marks: Iterable[int]) -> int:
    """Return one number for some packets in any order, of which each counts once."""
    return sum(set(marks))


class Marks:
    """Which packet has which time, for any window of time.

    Args:
        times: Of each packet, ticks; `NONE`: it has none, and is left out.
        prints: Of each packet.
    """

    def __init__(self, times: Sequence[int], prints: Sequence[int]) -> None:
        self._given, self._prints = times, prints

    def within(self, start: int, end: int) -> int:
        """Return the sum (`sum_of`) of the packets whose times are in ``[start, end)``, ticks."""
        times, sums = self._table
        return sums[bisect_left(times, end)] - sums[bisect_left(times, start)]

    @cached_property
    def _table(self) -> tuple[array[int], array[int]]:
        """Sorted times, and the sums up to each."""
        pairs = sorted({pair for pair in zip(self._given, self._prints, strict=True) if pair[0] != NONE})
        sums = accumulate((mark_of(time, fingerprint) for time, fingerprint in pairs), initial=0)
        return array("q", (time for time, _ in pairs)), array("q", sums)


@dataclass
class Packets:
    """What is read of a stream's packets, in decode order; empty packets are left out."""

    pts: array[int] = field(default_factory=lambda: array("q"))
    dts: array[int] = field(default_factory=lambda: array("q"))
    duration: array[int] = field(default_factory=lambda: array("q"))
    prints: array[int] = field(default_factory=lambda: array("Q"))
    """A fingerprint of the bytes: `print_of`."""
    picture: array[int] = field(default_factory=lambda: array("q"))
    """Number of the picture that begins in it; -1: none, as in the second packet of a picture in two fields."""
    lost: bytearray = field(default_factory=bytearray)
    """Of each packet: pictures that no decoder shows, as reading it told; 255 stands for more."""
    shown: bytearray = field(default_factory=bytearray)
    """Of each picture: whether it is shown."""
    sequences: array[int] = field(default_factory=lambda: array("q"))
    """Of each picture; as `orders` after `bitstream.base.Coded`."""
    guessed: set[int] = field(default_factory=set)
    """Pictures that cannot be read, whose order is a guess."""
    orders: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.pts)

    def shows(self, number: int) -> bool:
        """Return whether the picture of a packet is shown."""
        picture = self.picture[number]
        return picture >= 0 and bool(self.shown[picture])
