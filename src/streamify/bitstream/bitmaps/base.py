"""What the readers of bitmap subtitles share: what they give, and limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

SIDE = 4096
"""Pixels of a side of a bitmap or of its canvas at most."""
PIXELS = SIDE * SIDE
"""Of all bitmaps that are held or shown at the same time, at most: a few bytes can stand for any number of them."""

Rgba = tuple[int, int, int, int]
"""Red, green and blue of full range, not multiplied by alpha, and alpha; 0 to 255 each."""

CLEAR: Rgba = (0, 0, 0, 0)


class BitmapError(Exception):
    """A packet, or a part of it, is damaged; the message says how."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A rectangle of pixels by their numbers in a palette."""

    x: int
    """Of its left edge on the canvas, pixels."""
    y: int
    width: int
    height: int
    pixels: bytes
    """Numbers of colours, line after line."""
    palette: tuple[Rgba, ...]
    """A number beyond its end is clear."""
    forced: bool = False
    """Whether it is shown to those, too, who have subtitles off."""


@dataclass(frozen=True, slots=True)
class Display:
    """What is shown from a time on, in place of what was shown before."""

    at: Fraction
    """Seconds on the clock of the packets."""
    canvas: tuple[int, int]
    """Width and height of what the bitmaps lie on, pixels."""
    bitmaps: tuple[Bitmap, ...]
    """None: nothing is shown."""
    until: Fraction | None = None
    """Seconds; ``None``: until the next."""


class Reader(Protocol):
    """Reads the packets of one stream, in order."""

    damage: list[str]
    """What of packets could not be read, so far."""

    def read(self, data: bytes, at: Fraction) -> Iterator[Display]:
        """Yield what a packet shows.

        Args:
            data: The packet.
            at: Its presentation time, seconds.
        """

    def finish(self) -> Iterator[Display]:
        """Yield what the last packet shows later on."""


@dataclass(slots=True)
class Bytes:
    """Reads whole numbers, the greatest byte first, from bytes that may end too early."""

    data: bytes
    at: int = 0
    end: int = field(default=-1)

    def __post_init__(self) -> None:
        if self.end < 0:
            self.end = len(self.data)

    @property
    def left(self) -> int:
        """Bytes that are left."""
        return self.end - self.at

    def number(self, size: int) -> int:
        """Return the number in the next `size` bytes.

        Raises:
            BitmapError: They are not there.
        """
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            BitmapError: They are not there.
        """
        if size > self.left:
            raise BitmapError("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]


def sized(width: int, height: int) -> tuple[int, int]:
    """Return a width and a height.

    Raises:
        BitmapError: Nothing has that size.
    """
    if not (0 < width <= SIDE and 0 < height <= SIDE):
        raise BitmapError(f"a bitmap of {width}x{height}, the limit is {SIDE}x{SIDE}")
    return width, height


def rgba(luma: int, blue: int, red: int, alpha: int, *, hd: bool) -> Rgba:
    """Return a colour that is coded as Y'CbCr of limited range.

    Args:
        luma: 16 to 235.
        blue: Cb, 128 is grey.
        red: Cr.
        alpha: 0 is clear.
        hd: Whether its matrix is that of BT.709, not of BT.601.
    """
    kr, kb = (0.2126, 0.0722) if hd else (0.299, 0.114)
    y, cb, cr = (luma - 16) / 219, (blue - 128) / 224, (red - 128) / 224
    r, b = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    return _byte(r), _byte(g), _byte(b), alpha


def _byte(value: float) -> int:
    return max(0, min(255, round(value * 255)))
