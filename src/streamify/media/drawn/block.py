"""Cues as blocks of rows on a canvas: how large, where, and beside which others."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamify.bitstream.bitmaps.base import Bitmap
from streamify.media.drawn.fonts import Faces, Fonts
from streamify.media.drawn.lines import Row, rows
from streamify.media.drawn.marks import Marked
from streamify.media.drawn.paint import Painter, Pen

SIZE = 0.052
"""Height of a font (em) for each pixel of a picture of 16:9; two lines of it take an eighth of the height."""
WIDTH = 0.86
"""Of the width of a picture, that a line may have."""
MARGIN = 0.05
"""Of a side, that is kept clear."""
_TALL = 0.45
"""Of the height, that a cue may have before it is drawn smaller."""
_SMALLER = (1.0, 0.8, 0.65, 0.5)
_LINE = re.compile(r"line:(-?\d+(?:\.\d+)?)(%?)")
_POSITION = re.compile(r"position:(\d+(?:\.\d+)?)%")
_ALIGN = re.compile(r"align:(start|left|center|end|right)")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the canvas, pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: Box) -> bool:
        """Return whether they share a pixel."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cue as it is drawn."""

    box: Box
    bitmaps: tuple[Bitmap, ...]
    missing: tuple[str, ...]
    """Characters that no font has."""
    cut: bool
    """Whether not all of its lines have room."""


@dataclass(frozen=True, slots=True)
class _Set:
    rows: tuple[Row, ...]
    fonts: Fonts
    missing: tuple[str, ...]
    cut: bool


class Sheet:
    """Draws cues on a canvas.

    Args:
        files: Bytes of font files.
        canvas: Width and height, pixels.
    """

    def __init__(self, files: Sequence[bytes], canvas: tuple[int, int]) -> None:
        self._canvas = canvas
        width, height = canvas
        size = SIZE * min(height, 0.75 * width)
        faces = Faces(files)
        self._fonts = [Fonts(faces, max(4.0, size * part)) for part in _SMALLER]
        self._painter = Painter()

    def draw(self, words: Marked, settings: str, others: Iterable[Box]) -> Drawn | None:
        """Return a cue as it is drawn; ``None``: there is nothing to be seen.

        Args:
            words: Its lines.
            settings: WebVTT cue settings (4.4).
            others: Where other words are at that time.
        """
        chosen = self._set(words)
        if not any(row.glyphs for row in chosen.rows):
            return None
        fonts, pen = chosen.fonts, _pen(chosen.fonts.size)
        step = math.ceil(fonts.ascent + fonts.descent)
        edge = math.ceil(pen.outline + pen.shadow) + math.ceil(fonts.size / 4)  # beyond advances, as of italics
        width = max(1, math.ceil(max(row.width for row in chosen.rows)))  # advances of a damaged font can be negative
        height = step * len(chosen.rows)
        left, align = self._across(settings, width)
        top = self._down(settings, height, others, (left, left + width))
        placed = [
            (row, left + (width - row.width) * align, top + number * step + fonts.ascent)
            for number, row in enumerate(chosen.rows)
        ]
        box = self._inside(Box(left - edge, top - edge, left + width + edge, top + height + edge))
        bitmaps = self._painter.paint(placed, pen, box.left, box.top, box.right - box.left, box.bottom - box.top)
        return Drawn(Box(left, top, left + width, top + height), bitmaps, chosen.missing, chosen.cut)

    def _set(self, words: Marked) -> _Set:
        """Return the rows of a cue, smaller where it would take too much of the picture."""
        width, height = self._canvas
        for fonts in self._fonts:
            made, missing = list[Row](), list[str]()
            for line in words.lines:
                found, lacks = rows(line, fonts, width * WIDTH)
                made += found
                missing += lacks
            step = math.ceil(fonts.ascent + fonts.descent)
            if step * len(made) <= height * _TALL:
                return _Set(tuple(made), fonts, tuple(missing), cut=False)
        room = max(1, int(height * (1 - 2 * MARGIN) / step))
        return _Set(tuple(made[:room]), fonts, tuple(missing), cut=len(made) > room)

    def _inside(self, box: Box) -> Box:
        width, height = self._canvas
        return Box(max(0, box.left), max(0, box.top), min(width, box.right), min(height, box.bottom))

    def _across(self, settings: str, width: int) -> tuple[int, float]:
        """Return the left end of a block, and where its rows are in it, from 0 at the left to 1 at the right."""
        canvas = self._canvas[0]
        named, given = _ALIGN.search(settings), _POSITION.search(settings)
        align = {"start": 0.0, "left": 0.0, "end": 1.0, "right": 1.0}.get(named[1] if named else "", 0.5)
        at = float(given[1]) / 100 if given else align
        margin = round(canvas * MARGIN)
        return max(margin, min(round(canvas * at - width * align), canvas - margin - width)), align

    def _down(self, settings: str, height: int, others: Iterable[Box], sides: tuple[int, int]) -> int:
        """Return the top of a block: beside others, above those at the bottom and below those at the top."""
        canvas = self._canvas[1]
        margin = round(canvas * MARGIN)
        low, high = margin, max(margin, canvas - margin - height)
        found = _LINE.search(settings)
        share = 1.0
        if found is not None:
            value = float(found[1])
            # A number of lines counts from the top or, negative, from the bottom.
            lines = value * SIZE * 1.2 if value >= 0 else 1 + (value + 1) * SIZE * 1.2
            share = value / 100 if found[2] else lines
        top = max(low, min(round(low + (high - low) * max(0.0, min(1.0, share))), high))
        first, step = top, max(1, round(canvas / 100))
        taken = list(others)
        while any(Box(sides[0], top, sides[1], top + height).meets(one) for one in taken):
            top += step if share < 0.3 else -step
            if not low <= top <= high:
                return first
        return top


def _pen(size: float) -> Pen:
    return Pen(outline=size * 0.055, shadow=size * 0.03, stroke=max(1.0, size * 0.05))
