"""What is read of a stream's packets. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

NONE = -(1 << 63)
"""Stands for "no time" in arrays of times (FFmpeg's AV_NOPTS_VALUE)."""


@dataclass
class Packets:
    """What is read of a stream's packets, in decode order; empty packets are left out."""

    pts: array[int] = field(default_factory=lambda: array("q"))
    dts: array[int] = field(default_factory=lambda: array("q"))
    duration: array[int] = field(default_factory=lambda: array("q"))
    prints: array[int] = field(default_factory=lambda: array("Q"))
    """A fingerprint of the bytes."""
    picture: array[int] = field(default_factory=lambda: array("q"))
    """Number of the picture that begins in it; -1: none, as in the second packet of a picture in two fields."""
    shown: bytearray = field(default_factory=bytearray)
    """Of each picture: whether it is shown."""
    sequences: array[int] = field(default_factory=lambda: array("q"))
    """Of each picture; as `orders` after `bitstream.base.Coded`."""
    orders: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.pts)

    def shows(self, number: int) -> bool:
        """Return whether the picture of a packet is shown."""
        picture = self.picture[number]
        return picture >= 0 and bool(self.shown[picture])
