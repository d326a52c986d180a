"""Rows of glyphs as a bitmap: words of one colour or more with a black outline and a shadow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from streamify.bitstream.bitmaps.base import Bitmap, Rgba
from streamify.media.drawn.lines import Row
from streamify.media.text.spans import COLOURS

_POINTS = 12
"""Around each glyph, at which it is drawn again for its outline."""
_LEVELS = 15
"""Of coverage, beside none."""
_SCALE = bytes((value * _LEVELS + 127) // 255 for value in range(256))
_HIGH = bytes(level << 4 for level in _SCALE)


@dataclass(frozen=True, slots=True)
class Pen:
    """Widths, pixels."""

    outline: float
    shadow: float
    stroke: float
    """Of lines below words."""


class Painter:
    """Draws rows; holds a rasterizer."""

    def __init__(self) -> None:
        import uharfbuzz as hb

        self._hb, self._raster = hb, hb.RasterDraw()
        self._raster.scale_factor = 64, 64

    def paint(
        self, rows: Sequence[tuple[Row, float, float]], pen: Pen, left: int, top: int, width: int, height: int
    ) -> tuple[Bitmap, ...]:
        """Return bitmaps that together show rows; they lie over each other in this order.

        Args:
            rows: Each with the place of the left end of its base line, pixels from the left and from the top of the
                canvas.
            pen: Widths.
            left: Of the bitmap on the canvas, pixels.
            top: Of the bitmap on the canvas.
            width: Of the bitmap.
            height: Of the bitmap.
        """
        area = left, top, width, height
        around = [
            (pen.outline * math.cos(turn) + shift, pen.outline * math.sin(turn) + shift)
            for turn in (2 * math.pi * number / _POINTS for number in range(_POINTS))
            for shift in (0.0, pen.shadow)
        ]
        behind = self._plane(rows, pen, area, None, around)
        colours = sorted({_colour(style) for row, _, _ in rows for style in _styles(row)})
        fills = {colour: self._plane(rows, pen, area, colour, [(0.0, 0.0)]) for colour in colours}
        if len(fills) == 1:
            ((colour, fill),) = fills.items()
            both = int.from_bytes(fill.translate(_HIGH)) | int.from_bytes(behind.translate(_SCALE))
            return (Bitmap(left, top, width, height, both.to_bytes(width * height), _palette(colour)),)
        black = tuple((0, 0, 0, level * 17) for level in range(16))
        return (
            Bitmap(left, top, width, height, behind.translate(_SCALE), black),
            *(
                Bitmap(left, top, width, height, fill.translate(_SCALE),
                       tuple((*COLOURS[colour], level * 17) for level in range(16)))
                for colour, fill in fills.items()
            ),
        )  # fmt: skip

    def _plane(
        self,
        rows: Sequence[tuple[Row, float, float]],
        pen: Pen,
        area: tuple[int, int, int, int],
        colour: str | None,
        shifts: Sequence[tuple[float, float]],
    ) -> bytes:
        """Return how far each pixel is covered, 0 to 255; of words of one colour, or of all."""
        left, top, width, height = area
        raster = self._raster
        raster.clear()
        raster.extents = self._hb.RasterExtents(0, 0, width, height, width)
        for row, x, y in rows:
            for glyph in row.glyphs:
                if colour is not None and _colour(glyph.style) != colour:
                    continue
                across, up = x + glyph.x - left, height - (y - top) + glyph.y
                for right, down in shifts:
                    raster.transform = 1, 0, 0, 1, (across + right) * 64, (up - down) * 64
                    raster.draw_glyph(glyph.font, glyph.number)
        image = raster.render()
        plane = bytearray(image.buffer if image is not None else bytes(width * height))
        for row, x, y in rows:
            for start, stop, style in row.strokes:
                if colour is None or _colour(style) == colour:
                    grow = pen.outline if colour is None else 0.0
                    _fill(plane, area, (x + start - grow, y + pen.stroke * 1.5 - grow, x + stop + grow,
                                        y + pen.stroke * 2.5 + grow))  # fmt: skip
        return b"".join(bytes(plane[at : at + width]) for at in range(width * (height - 1), -1, -width))


def _fill(plane: bytearray, area: tuple[int, int, int, int], box: tuple[float, float, float, float]) -> None:
    left, top, width, height = area
    start, stop = max(0, round(box[0]) - left), min(width, round(box[2]) - left)
    for line in range(max(0, round(box[1]) - top), min(height, max(round(box[1]) + 1, round(box[3])) - top)):
        at = (height - 1 - line) * width
        plane[at + start : at + max(start, stop)] = b"\xff" * max(0, stop - start)


def _styles(row: Row) -> Iterable[Any]:
    return (glyph.style for glyph in row.glyphs)


def _colour(style: Any) -> str:
    return style.colour or "white"


@cache
def _palette(colour: str) -> tuple[Rgba, ...]:
    """Return the colours of words over their outline: the upper four bits are of the words, the lower of what is
    behind."""
    return tuple(_over(COLOURS[colour], number >> 4, number & 15) for number in range(256))


def _over(colour: tuple[int, int, int], words: int, behind: int) -> Rgba:
    alpha = _LEVELS * _LEVELS - (_LEVELS - words) * (_LEVELS - behind)
    if not alpha:
        return 0, 0, 0, 0
    red, green, blue = (round(value * words * _LEVELS / alpha) for value in colour)
    return red, green, blue, round(255 * alpha / (_LEVELS * _LEVELS))
