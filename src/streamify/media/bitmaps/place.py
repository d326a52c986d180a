"""Where a canvas of bitmap subtitles lies on a rendition. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from streamify.model.burn import BITMAP_CODECS, BurnBitmap
from streamify.model.source import Look

_HD_LINES = 720
"""Lines of a PGS canvas from which on its pixels are square."""


@dataclass(frozen=True)
class Area:
    """A rectangle, pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Placing:
    """From pixels of a canvas to pixels of a rendition."""

    across: Fraction
    """Factor of widths."""
    down: Fraction
    """Factor of heights."""
    left: Fraction
    """Where the canvas begins."""
    top: Fraction
    inside: Area
    """Where pictures lie in the rendition."""

    def area(self, bitmap: BurnBitmap) -> Area:
        """Return where a bitmap is drawn: inside the picture, as far as it fits."""
        width, height = max(1, round(bitmap.width * self.across)), max(1, round(bitmap.height * self.down))
        left, top = round(self.left + bitmap.x * self.across), round(self.top + bitmap.y * self.down)
        inside = self.inside
        left = max(inside.left, min(left, inside.left + inside.width - width))
        top = max(inside.top, min(top, inside.top + inside.height - height))
        return Area(left, top, width, height)


def place(codec: str, canvas: tuple[int, int], look: Look, inside: Area) -> Placing:
    """Return where a canvas lies.

    A canvas is meant for the whole picture. Where the picture was cropped since, as its shape tells, it is in the
    middle of the canvas; what then lies beside the picture is moved into it. The canvas of text is that of a rendition,
    so it is always the whole picture.

    Args:
        codec: Of the subtitles, FFmpeg's name; one that is not in `BITMAP_CODECS` is text.
        canvas: Width and height, pixels.
        look: Of the pictures.
        inside: Where pictures of that look are in the rendition.
    """
    across, down = Fraction(inside.width, canvas[0]), Fraction(inside.height, canvas[1])
    square = codec == "hdmv_pgs_subtitle" and canvas[1] >= _HD_LINES
    guessed = codec in BITMAP_CODECS
    if square and canvas != (look.width, look.height):
        across = down = max(across, down)
    elif guessed and canvas[0] == look.width and canvas[1] > look.height:
        down = Fraction(inside.height, look.height)
    elif guessed and canvas[1] == look.height and canvas[0] > look.width:
        across = Fraction(inside.width, look.width)
    return Placing(
        across,
        down,
        inside.left + (inside.width - canvas[0] * across) / 2,
        inside.top + (inside.height - canvas[1] * down) / 2,
        inside,
    )
