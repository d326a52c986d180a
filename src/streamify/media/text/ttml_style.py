"""Styles and regions of TTML as what WebVTT can hold of them (W3C TTML2, 10 and 11; EBU-TT-D; IMSC). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from streamify.media.text.spans import COLOURS, Style, colour_class

INHERITED: Final = frozenset(
    {"color", "fontStyle", "fontWeight", "textDecoration", "textAlign", "direction", "visibility"}
)
"""Properties that go on to what is inside of an element, of those that are kept."""
_KEPT: Final = INHERITED | {"origin", "extent", "position", "displayAlign", "writingMode", "ruby", "display"}
_HARMLESS: Final = frozenset(
    {
        *("backgroundClip", "backgroundExtent", "backgroundOrigin", "backgroundPosition", "backgroundRepeat"),
        *("fillLineGap", "linePadding", "multiRowAlign", "overflow", "showBackground", "unicodeBidi", "wrapOption"),
        *("zIndex", "luminanceGain", "disparity", "forcedDisplay"),
    }
)
"""Those that say how a box is drawn which players of WebVTT draw in their own way."""
_EMPTY: Final = MappingProxyType(
    {"backgroundColor": ("transparent", "black", "#00000000", "#000000", "#000000ff"), "opacity": ("1", "1.0")}
)
_NAMED: Final = MappingProxyType(
    {
        "green": (0, 128, 0),
        "aqua": (0, 255, 255),
        "fuchsia": (255, 0, 255),
        "silver": (192, 192, 192),
        "gray": (128, 128, 128),
        "maroon": (128, 0, 0),
        "purple": (128, 0, 128),
        "olive": (128, 128, 0),
        "navy": (0, 0, 128),
        "teal": (0, 128, 128),
        **COLOURS,
    }
)
_LENGTH = re.compile(r"([+-]?\d{1,6}(?:\.\d{1,6})?)(%|px|c|em|rw|rh)")
_DEPTH = 32
"""Styles that refer to each other at most."""
_LINE = 5.33
"""Height of a line of WebVTT, per cent of the picture's (W3C WebVTT, 7.2)."""

Props = Mapping[str, str]
"""Styling attributes by local name."""


@dataclass
class Styles:
    """The head of a document."""

    named: dict[str, tuple[str, Props]] = field(default_factory=dict)
    """Of each style by its id the styles that it refers to, and its own properties."""
    regions: dict[str, tuple[str, Props]] = field(default_factory=dict)
    """The same of each region."""
    initial: dict[str, str] = field(default_factory=dict)
    """Properties where nothing says otherwise (10.1.1)."""
    width: float | None = None
    """Of the root container, pixels; ``None``: nothing says."""
    height: float | None = None
    columns: int = 32
    """Of the grid that lengths in cells count (7.2.1)."""
    rows: int = 15
    _resolved: dict[str, Props] = field(default_factory=dict)

    def size(self, extent: str, cells: str) -> None:
        """Take the size of the picture that lengths count, as the root of a document has it (7.2.1, 10.2.16)."""
        sides = [_LENGTH.fullmatch(part) for part in extent.split()]
        if len(sides) == 2 and all(side is not None and side[2] == "px" for side in sides):
            self.width, self.height = (float(side[1]) or None for side in sides if side is not None)
        counts = cells.split()
        if len(counts) == 2 and all(one.isdecimal() and 0 < int(one) < 10_000 for one in counts):
            self.columns, self.rows = map(int, counts)

    def of(self, references: str, own: Props, depth: int = 0) -> Props:
        """Return the properties of an element: of the styles that it refers to, in order, then its own (10.4.4)."""
        if not references or depth > _DEPTH:
            return own
        found: dict[str, str] = {}
        for name in references.split()[:_DEPTH]:
            found.update(self._style(name, depth))
        return {**found, **own}

    def _style(self, name: str, depth: int) -> Props:
        if name not in self._resolved and name in self.named:
            references, own = self.named[name]
            self._resolved[name] = own  # for those that refer to themselves
            self._resolved[name] = self.of(references, own, depth + 1)
        return self._resolved.get(name, {})

    def region(self, name: str | None) -> Props | None:
        """Return the properties of a region; ``None``: the document has none of that id."""
        if name is None or name not in self.regions:
            return None
        references, own = self.regions[name]
        return {**self.initial, **self.of(references, own)}


def style_of(props: Props) -> Style:
    """Return how words look by their computed properties."""
    decoration = props.get("textDecoration", "").split()
    return Style(
        bold=props.get("fontWeight") == "bold",
        italic=props.get("fontStyle") in ("italic", "oblique"),
        underline="underline" in decoration,
        colour=colour_of(props.get("color", "")),
    )


def is_hidden(props: Props) -> bool:
    """Return whether words with these computed properties are not shown."""
    return props.get("visibility") == "hidden" or props.get("display") == "none"


def lost_of(chain: Iterable[Props]) -> set[str]:
    """Return the names of those properties that WebVTT has nothing for."""
    found = set()
    for props in chain:
        for name, value in props.items():
            if name in _KEPT:
                if name == "color" and value and colour_of(value) is None:
                    found.add("colour")
                elif name == "textDecoration" and {"lineThrough", "overline"} & set(value.split()):
                    found.add("strikeout")
            elif name not in _HARMLESS and value.strip().lower() not in _EMPTY.get(name, ()):
                found.add(name)
    return found


def colour_of(value: str) -> str | None:
    """Return the class of a colour (10.3.6); ``None``: none is near, or there is no colour."""
    text = value.strip().lower()
    if text in _NAMED:
        return colour_class(*_NAMED[text])
    if found := re.fullmatch(r"#([0-9a-f]{6})(?:[0-9a-f]{2})?", text):
        number = int(found[1], 16)
        return colour_class(number >> 16, number >> 8 & 255, number & 255)
    if found := re.fullmatch(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,\s*\d{1,3}\s*)?\)", text):
        return colour_class(*(min(255, int(part)) for part in found.groups()))
    return None


def settings_of_region(region: Props | None, props: Props, styles: Styles, lines: int) -> str:
    """Return the WebVTT cue settings of words in a region.

    Args:
        region: Its properties; ``None``: the words are in none, and stand where players put subtitles.
        props: Computed ones of the paragraph.
        styles: Of the document.
        lines: How many the words have.
    """
    box = {**(region or {}), **{name: value for name, value in props.items() if name in ("origin", "extent")}}
    mode = box.get("writingMode", "")
    if mode in ("tbrl", "tb", "tblr"):
        return "vertical:lr" if mode == "tblr" else "vertical:rl"
    x, y, width, height = _box(box, styles)
    found = []
    if region is not None or "origin" in props:
        line = _line(box.get("displayAlign", "before"), y, height, lines)
        found += [f"line:{line}%"] if line is not None else []
    rightwards = props.get("direction") != "rtl" and not mode.startswith("rl")
    align = props.get("textAlign", "start" if region is not None else "center")
    if align in ("start", "justify"):
        align = "left" if rightwards else "right"
    elif align == "end":
        align = "right" if rightwards else "left"
    if align == "left":
        found.append(f"position:{_percent(x)}% align:left")
    elif align == "right":
        found.append(f"position:{_percent(x + width)}% align:right")
    elif abs(x + width / 2 - 0.5) > 0.05:
        found.append(f"position:{_percent(x + width / 2)}% align:center")
    return " ".join(found)


def _line(align: str, y: float, height: float, lines: int) -> int | None:
    """Return where the first line stands, per cent from the top; ``None``: at the bottom, as players have it."""
    block = lines * _LINE / 100
    top = y if align == "before" else y + height / 2 - block / 2 if align == "center" else y + height - block
    bottom = top + block
    return None if bottom > 2 / 3 else _percent(top)


def _percent(share: float) -> int:
    return round(100 * min(1.0, max(0.0, share)))


def _box(box: Props, styles: Styles) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a region, of those of the picture."""
    width, height = _pair(box.get("extent", ""), styles) or (1.0, 1.0)
    if place := _pair(box.get("origin", ""), styles):
        return *place, width, height
    if "position" in box:
        across, down = _position(box["position"].split())
        return across * (1 - width), down * (1 - height), width, height
    return 0.0, 0.0, width, height


def _pair(text: str, styles: Styles) -> tuple[float, float] | None:
    parts = text.split()
    if len(parts) != 2:
        return None
    across = _share(parts[0], styles.width, styles.columns)
    down = _share(parts[1], styles.height, styles.rows)
    return (across, down) if across is not None and down is not None else None


def _share(text: str, pixels: float | None, cells: int) -> float | None:
    found = _LENGTH.fullmatch(text)
    if found is None:
        return 0.0 if text == "0" else None
    number, unit = float(found[1]), found[2]
    if unit in ("%", "rw", "rh"):
        return number / 100
    if unit == "c":
        return number / cells
    if not number:
        return 0.0
    return number / pixels if unit == "px" and pixels else None


def _position(words: Sequence[str]) -> tuple[float, float]:
    """Return the shares of the free room that are left of and above a region (10.2.36), by the two simple forms."""
    across, down = 0.5, 0.5
    sides = {"left": 0.0, "right": 1.0}
    heights = {"top": 0.0, "bottom": 1.0}
    numbers = []
    for word in words:
        found = _LENGTH.fullmatch(word)
        if word in sides:
            across = sides[word]
        elif word in heights:
            down = heights[word]
        elif found is not None and found[2] == "%":
            numbers.append(float(found[1]) / 100)
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    if len(numbers) == 1:
        return (across, numbers[0]) if words[0] in sides else (numbers[0], down)
    return across, down
