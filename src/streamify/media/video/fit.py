"""Where a picture lies in a rendition: at its own aspect, in the middle, with black beside it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from streamify.model.source import Look

NARROW = 2
"""Pixels of black, both sides together, that are not worth having: the picture fills the rendition instead."""


@dataclass(frozen=True)
class Box:
    """A rectangle in a rendition, pixels, all even: 4:2:0 has a chroma sample for every second one."""

    width: int
    height: int
    left: int = 0
    top: int = 0


def fit(look: Look, usual: Look, width: int, height: int) -> Box:
    """Return where pictures of a look lie in a rendition of ``width x height``.

    Args:
        look: Of the pictures.
        usual: The look that the rendition was made for: such pictures fill it.
        width: Of the rendition, pixels.
        height: Of the rendition, pixels.
    """
    shown, wanted = look.display, usual.display
    if shown[0] * wanted[1] == wanted[0] * shown[1]:
        return Box(width, height)
    scale = min(width / shown[0], height / shown[1])
    inner = (_side(shown[0] * scale, width), _side(shown[1] * scale, height))
    return Box(*inner, (width - inner[0]) // 4 * 2, (height - inner[1]) // 4 * 2)


def _side(length: Fraction, most: int) -> int:
    even = max(2, round(length / 2) * 2)
    return most if even >= most - NARROW else even
