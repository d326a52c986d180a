"""Fonts with which words are drawn. HarfBuzz alone reads them; they may come from a stranger's file."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from streamify.errors import UsageError
from streamify.model.burn import DRAWN_BY

UNITS = 64
"""Of a pixel, in which glyphs are placed."""
_SLANT = 0.2
_BOLD = 0.035
"""Of the height of a font, by which outlines grow where it has no bold."""
_OUTLINES = frozenset({"glyf", "CFF ", "CFF2"})
_SILENT = ("Cc", "Cf", "Zs", "Zl", "Zp")
_ATTACHED = ("Mn", "Me", "Mc", "Cf")
"""Categories of characters that are drawn in the font of the one before them."""


def require_shaper() -> None:
    """Check that the libraries which draw words are there.

    Raises:
        UsageError: ``burn-in-extra``.
    """
    try:
        import uharfbuzz  # noqa: F401

        found = {name: version(name) for name in DRAWN_BY}
    except ImportError as error:
        raise UsageError(
            "burn-in-extra",
            f"to draw text into pictures, a package is missing: {error.name}",
            "pip install 'streamify[burn]'",
        ) from error
    for name, wanted in DRAWN_BY.items():
        if found[name] != wanted:
            raise UsageError(
                "burn-in-extra",
                f"to draw the same pixels everywhere, {name} {wanted} is wanted; {found[name]} is installed",
                "pip install 'streamify[burn]'",
            )


class FontError(Exception):
    """A file is no font that can be used; the message says why."""


class Faces:
    """Font files of all sizes, read once.

    Args:
        files: Bytes of font files that `check_font` accepts.
    """

    def __init__(self, files: Sequence[bytes]) -> None:
        import uharfbuzz as hb

        self.faces = [hb.Face(hb.Blob(data)) for data in files]
        self.chars = [face.unicodes for face in self.faces]
        """Code points of each, as a set of HarfBuzz: one of Python has some 100 bytes for each of them."""


class Fonts:
    """Fonts of one size, the first of which is used for all that it has.

    Args:
        faces: Of all sizes.
        size: Height of the font (em), pixels.
    """

    def __init__(self, faces: Faces, size: float) -> None:
        import uharfbuzz as hb

        self._hb, self.size = hb, size
        self._faces, self._sets = faces.faces, faces.chars
        self._made: dict[tuple[int, bool, bool], Any] = {}
        self._scripts: dict[str, str] = {}
        extents = self.font(0, bold=False, italic=False).get_font_extents("ltr")
        ascent, descent = extents.ascender / UNITS, -extents.descender / UNITS
        if not (size / 2 < ascent < 2 * size and 0 <= descent < size):  # as no font has them
            ascent, descent = 0.93 * size, 0.24 * size
        self.ascent = ascent
        """Pixels above the base line."""
        self.descent = descent
        """Pixels below it."""

    def font(self, number: int, *, bold: bool, italic: bool) -> Any:
        """Return a font of HarfBuzz; bold is made where the file has none, italics always."""
        key = number, bold, italic
        if key not in self._made:
            face = self._faces[number]
            font = self._hb.Font(face)
            font.scale = round(self.size * UNITS), round(self.size * UNITS)
            if bold and any(axis.tag == "wght" for axis in face.axis_infos):
                font.set_variations({"wght": 700})
            elif bold:
                font.synthetic_bold = _BOLD, _BOLD, False
            if italic:
                font.synthetic_slant = _SLANT
            self._made[key] = font
        return self._made[key]

    def choose(self, text: str) -> tuple[list[int], list[str]]:
        """Return the number of the font of each character, and the characters that none has."""
        chosen: list[int] = []
        missing: list[str] = []
        for char in text:
            if chosen and unicodedata.category(char) in _ATTACHED:
                chosen.append(chosen[-1])
                continue
            found = next((number for number, one in enumerate(self._sets) if ord(char) in one), None)
            if found is None and unicodedata.category(char) not in _SILENT:
                missing.append(char)
            before = chosen[-1] if chosen else 0
            blank = char.isspace() and found is not None and ord(char) in self._sets[before]
            chosen.append(before if blank else found or 0)
        return chosen, missing

    def script(self, char: str) -> str:
        """Return the script of a character, ISO 15924; empty: it is of all."""
        if char not in self._scripts:
            buffer = self._hb.Buffer()
            buffer.add_str(char)
            buffer.guess_segment_properties()
            found = buffer.script or ""
            self._scripts[char] = "" if found in ("Zyyy", "Zinh", "Zzzz") else found
        return self._scripts[char]


def check_font(data: bytes) -> str:
    """Return the name of the family of a font file.

    Raises:
        FontError: It is none, or has no outlines.
    """
    import uharfbuzz as hb

    face = hb.Face(hb.Blob(data))
    try:
        tags = set(face.table_tags)
    except ValueError as error:  # names of tables that are no text
        raise FontError("it is damaged") from error
    if not face.glyph_count or "cmap" not in tags:
        raise FontError("it is no OpenType or TrueType font")
    if not tags & _OUTLINES:
        raise FontError("its glyphs have no outlines")
    if not face.unicodes:
        raise FontError("it has no characters")
    try:
        return str(face.get_name(hb.OTNameIdPredefined.FONT_FAMILY) or "")[:100]
    except ValueError:
        return ""
