"""Lines of words: where they are broken, in which order their parts stand, and where each glyph is.

Directions follow the Unicode Bidirectional Algorithm (UAX #9) by python-bidi, shapes are HarfBuzz's. Lines are broken
at blanks and hyphens, and between characters of Chinese, Japanese and Korean (UAX #14 without dictionaries).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from streamify.media.drawn.fonts import UNITS, Fonts
from streamify.media.drawn.marks import Line
from streamify.media.text.spans import Style

_REMOVED = frozenset({"RLE", "LRE", "RLO", "LRO", "PDF", "BN"})
"""Bidirectional classes that the algorithm takes out (X9)."""
_CLOSING, _OPENING = ("Pe", "Pf", "Po", "Lm"), ("Ps", "Pi")
"""Categories of characters with which no line begins, or ends."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A glyph in its place."""

    font: Any
    number: int
    x: float
    """Pixels from the left end of its line."""
    y: float
    """Pixels above the base line."""
    style: Style


@dataclass(slots=True)
class Row:
    """A line as it is drawn."""

    glyphs: list[Glyph] = field(default_factory=list)
    width: float = 0
    """Pixels."""
    strokes: list[tuple[float, float, Style]] = field(default_factory=list)
    """Where it is underlined: from, to, pixels."""


def rows(line: Line, fonts: Fonts, width: float) -> tuple[list[Row], list[str]]:
    """Return a line of a cue as it is drawn, broken where it is too long; and the characters that no font has.

    Args:
        line: Characters with their styles.
        fonts: To draw with.
        width: Pixels that a line may have.
    """
    line = _trimmed(line)
    chosen, missing = fonts.choose(line.text)
    levels = _levels(line.text)
    parts = [(0, len(line.text))]
    advances = _advances(line, chosen, levels, fonts)
    if sum(advances) > width:
        parts = list(_broken(line.text, advances, width))
    return [_row(line, start, stop, chosen, levels, fonts) for start, stop in parts], missing


def _trimmed(line: Line) -> Line:
    start = len(line.text) - len(line.text.lstrip())
    return line.part(start, len(line.text.rstrip()))


def _levels(text: str) -> list[int]:
    """Return the embedding level of each character; odd: from right to left."""
    from bidi import algorithm

    storage = algorithm.get_empty_storage()
    storage["base_level"] = algorithm.get_base_level(text)
    storage["base_dir"] = ("L", "R")[storage["base_level"]]
    algorithm.get_embedding_levels(text, storage)
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    kept = iter(storage["chars"])
    found, level = [], int(storage["base_level"])
    for char in text:
        if unicodedata.bidirectional(char) not in _REMOVED:
            level = int(next(kept)["level"])
        found.append(level)
    return found


def _advances(line: Line, chosen: Sequence[int], levels: Sequence[int], fonts: Fonts) -> list[float]:
    """Return how wide each character is, pixels: that of a glyph of several is with the first."""
    found = [0.0] * len(line.text)
    for start, stop in _runs(line, 0, len(line.text), chosen, levels, fonts):
        buffer, _ = _shaped(line, start, stop, chosen, levels, fonts)
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            found[start + info.cluster] += place.x_advance / UNITS
    return found


def _broken(text: str, advances: Sequence[float], width: float) -> Iterator[tuple[int, int]]:
    """Yield parts of a text that are about equally long, as few as possible."""
    count = len(list(_filled(text, advances, width)))
    low, high = sum(advances) / count, width
    for _ in range(8):
        middle = (low + high) / 2
        if len(list(_filled(text, advances, middle))) > count:
            low = middle
        else:
            high = middle
    yield from _filled(text, advances, high)


def _filled(text: str, advances: Sequence[float], width: float) -> Iterator[tuple[int, int]]:
    start, at, chance, used = 0, 0, 0, 0.0
    while at < len(text):
        if at > start and _may_break(text, at):
            chance = at
        used += advances[at]
        if used > width and at > start and not text[at].isspace():
            stop = chance if chance > start else at
            yield _tight(text, start, stop)
            start = at = chance = stop
            used = 0.0
            continue
        at += 1
    yield _tight(text, start, len(text))


def _tight(text: str, start: int, stop: int) -> tuple[int, int]:
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and text[stop - 1].isspace():
        stop -= 1
    return start, stop


def _may_break(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if unicodedata.category(after) in _CLOSING or unicodedata.category(before) in _OPENING:
        return False
    if unicodedata.combining(after) or after == "\u200d" or " LETTER SMALL " in unicodedata.name(after, ""):
        return False
    if before == "\u00a0" or after == "\u00a0":
        return False
    if before.isspace():
        return True
    if before in "-\u2010\u2013\u2014":
        return after.isalpha()
    return _wide(before) or _wide(after)


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _runs(
    line: Line, start: int, stop: int, chosen: Sequence[int], levels: Sequence[int], fonts: Fonts
) -> Iterator[tuple[int, int]]:
    """Yield parts of a line whose characters are shaped together."""
    script, keys = "", []
    for at in range(start, stop):
        script = fonts.script(line.text[at]) or script
        keys.append((levels[at], chosen[at], line.styles[at], script))
    at = start
    for _, group in groupby(keys):
        count = len(list(group))
        yield at, at + count
        at += count


def _shaped(
    line: Line, start: int, stop: int, chosen: Sequence[int], levels: Sequence[int], fonts: Fonts
) -> tuple[Any, Any]:
    import uharfbuzz as hb

    style = line.styles[start]
    font = fonts.font(chosen[start], bold=style.bold, italic=style.italic)
    buffer = hb.Buffer()
    buffer.add_str(line.text[start:stop])
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if levels[start] % 2 else "ltr"
    hb.shape(font, buffer)
    return buffer, font


def _row(line: Line, start: int, stop: int, chosen: Sequence[int], levels: Sequence[int], fonts: Fonts) -> Row:
    row = Row()
    runs = list(_runs(line, start, stop, chosen, levels, fonts))
    for first, last in _reordered(runs, levels):
        buffer, font = _shaped(line, first, last, chosen, levels, fonts)
        style, began = line.styles[first], row.width
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            x, y = row.width + place.x_offset / UNITS, place.y_offset / UNITS
            row.glyphs.append(Glyph(font, info.codepoint, x, y, style))
            row.width += place.x_advance / UNITS
        if style.underline:
            row.strokes.append((began, row.width, style))
    return row


def _reordered(runs: list[tuple[int, int]], levels: Sequence[int]) -> list[tuple[int, int]]:
    """Return runs from left to right (UAX #9, L2)."""
    told = [levels[start] for start, _ in runs]
    for level in range(max(told, default=0), 0, -1):
        at = 0
        while at < len(runs):
            stop = at
            while stop < len(runs) and told[stop] >= level:
                stop += 1
            if stop > at:
                runs[at:stop], told[at:stop] = runs[at:stop][::-1], told[at:stop][::-1]
            at = stop + 1
    return runs
