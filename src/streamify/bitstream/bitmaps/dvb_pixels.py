"""The pixels of an object of DVB subtitles (ETSI EN 300 743, 7.2.5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from streamify.bitstream.bitmaps.base import BitmapError, Bytes

_MAPS: Final[dict[int, tuple[int, int, int]]] = {0x20: (2, 4, 2), 0x21: (2, 8, 4), 0x22: (4, 8, 16)}
"""By type: bits before, bits after, and bytes of a table."""


def draw(pixels: bytearray, width: int, bits: int, data: bytes, x: int, y: int, *, keep: bool) -> None:
    """Draw the lines of a field into a region.

    Args:
        pixels: Of the region.
        width: Of the region.
        bits: Of a pixel of the region.
        data: Blocks of pixels.
        x: Left edge of the object.
        y: Line that the field begins with; each second one is of it.
        keep: Whether colour 1 leaves the region as it is.

    Raises:
        BitmapError: The data are no such blocks.
    """
    maps: dict[tuple[int, int], Sequence[int]] = {
        (2, 4): (0, 7, 8, 15),
        (2, 8): (0, 0x77, 0x88, 0xFF),
        (4, 8): tuple(range(0, 256, 17)),
    }
    source, at, height = Bytes(data), x, len(pixels) // width
    while source.left:
        kind = source.number(1)
        if kind == 0xF0:
            at, y = x, y + 2
        elif kind in _MAPS:
            before, after, size = _MAPS[kind]
            maps[before, after] = _table(source.take(size), after)
        elif kind in (0x10, 0x11, 0x12):
            coded = 2 << kind - 0x10
            table = maps.get((coded, bits))
            for count, colour in _runs(_Bits(source), coded):
                shown = table[colour] if table is not None else colour & (1 << bits) - 1
                begin, at = at, min(at + count, 1 << 16)
                if y < height and begin < width and not (keep and colour == 1):
                    stop = min(at, width)
                    pixels[y * width + begin : y * width + stop] = bytes([shown]) * (stop - begin)
                if coded == 8 and at >= width:
                    # FFmpeg's encoder ends a full line with one zero, the standard with two; the other is passed over.
                    source.take(min(1, source.left))
                    break
        elif kind:
            raise BitmapError(f"pixels of an unknown kind, {kind:#04x}")


def _table(data: bytes, bits: int) -> Sequence[int]:
    return [value for byte in data for value in (byte >> 4, byte & 15)] if bits == 4 else list(data)


class _Bits:
    """Bits of bytes, the greatest first; those of the last byte that are left over are passed over."""

    def __init__(self, source: Bytes) -> None:
        self._source, self._held, self._left = source, 0, 0

    def __call__(self, count: int) -> int:
        while self._left < count:
            self._held, self._left = self._held << 8 | self._source.number(1), self._left + 8
        self._left -= count
        value = self._held >> self._left
        self._held &= (1 << self._left) - 1
        return value


def _runs(bits: _Bits, coded: int) -> Iterator[tuple[int, int]]:
    """Yield length and colour of each run of a string of pixels of 2, 4 or 8 bits."""
    read = {2: _two, 4: _four, 8: _eight}[coded]
    while (run := read(bits)) is not None:
        yield run


def _two(bits: _Bits) -> tuple[int, int] | None:
    if colour := bits(2):
        return 1, colour
    if bits(1):
        return bits(3) + 3, bits(2)
    if bits(1):
        return 1, 0
    kind = bits(2)
    if kind == 0:
        return None
    if kind == 1:
        return 2, 0
    return (bits(4) + 12, bits(2)) if kind == 2 else (bits(8) + 29, bits(2))


def _four(bits: _Bits) -> tuple[int, int] | None:
    if colour := bits(4):
        return 1, colour
    if not bits(1):
        count = bits(3)
        return (count + 2, 0) if count else None
    if not bits(1):
        return bits(2) + 4, bits(4)
    kind = bits(2)
    if kind < 2:
        return kind + 1, 0
    return (bits(4) + 9, bits(4)) if kind == 2 else (bits(8) + 25, bits(4))


def _eight(bits: _Bits) -> tuple[int, int] | None:
    if colour := bits(8):
        return 1, colour
    if not bits(1):
        count = bits(7)
        return (count, 0) if count else None
    return bits(7), bits(8)
