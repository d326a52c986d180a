"""ASS and SSA events as cues: what WebVTT can hold of their styles (the format has no standard; libass is followed)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from streamify.media.text.place import BOTTOM, place_at, settings_of
from streamify.media.text.spans import PLAIN, Style, colour_class, cue_text

_BLOCK = re.compile(r"\{([^}]*)\}")
_NAMES = (
    "alpha|fade|fad|move|iclip|clip|org|pos|blur|bord|be|xbord|ybord|shad|xshad|yshad|fax|fay|fscx|fscy|fsp|frx|fry|frz"
    "|fr|fn|fs|fe|kf|ko|kt|k|K|pbo|p|q|t|an|a|i|b|u|s|1c|2c|3c|4c|1a|2a|3a|4a|c|r"
)
"""Of override tags; where one begins like another, the longer one first."""
_TAG = re.compile(rf"\\({_NAMES})(\([^)]*\)|[^\\]*)")
_KEPT = frozenset({"an", "a", "i", "b", "u", "c", "1c", "r", "pos"})
_OLD = {1: 1, 2: 2, 3: 3, 5: 7, 6: 8, 7: 9, 9: 4, 10: 5, 11: 6}
"""Places of SSA (``\\a``) as those of ASS."""


@dataclass(frozen=True)
class AssStyle:
    """A style of the header."""

    style: Style = PLAIN
    place: int = BOTTOM


@dataclass(frozen=True)
class AssHeader:
    """What the events of a file refer to."""

    styles: dict[str, AssStyle] = field(default_factory=dict)
    width: float = 384.0
    """Of the picture that positions are of; libass takes 384x288 where nothing is said."""
    height: float = 288.0

    @classmethod
    def parse(cls, text: str) -> AssHeader:
        """Read the sections ``Script Info`` and ``V4+ Styles``, or ``V4 Styles``."""
        section, names, styles, old = "", list[str](), dict[str, AssStyle](), False
        size = {"playresx": 384.0, "playresy": 288.0}
        for line in text.splitlines():
            stripped = line.strip()
            if stripped.startswith("["):
                section, old = stripped.lower(), stripped.lower() == "[v4 styles]"
            key, colon, value = stripped.partition(":")
            name = key.strip().lower()
            if section == "[script info]" and name in size and colon:
                size[name] = _number(value) or size[name]
            elif "styles]" in section and name == "format":
                names = [one.strip().lower() for one in value.split(",")]
            elif "styles]" in section and name == "style" and names:
                parts = dict(zip(names, (one.strip() for one in value.split(",")), strict=False))
                styles[parts.get("name", "Default").lstrip("*")] = _style(parts, old=old)
        return cls(styles, size["playresx"], size["playresy"])


@dataclass
class AssText:
    """Words of an event."""

    text: str
    settings: str
    lost: frozenset[str]
    """Names of tags that WebVTT has nothing for."""


def read_event(line: str, header: AssHeader) -> AssText:
    """Return the words of an event as Matroska and FFmpeg hold it: ReadOrder, Layer, Style, Name, three margins,
    Effect, Text."""
    fields = line.split(",", 8)
    if len(fields) < 9:
        return AssText("", "", frozenset())
    return read_text(fields[8], header.styles.get(fields[2].strip().lstrip("*"), AssStyle()), header)


def read_text(text: str, base: AssStyle, header: AssHeader) -> AssText:
    """Return words with override tags as cue text.

    Args:
        text: With tags in braces.
        base: Style of the event.
        header: Of the file.
    """
    style, place, drawing, lost = base.style, base.place, False, set[str]()
    spans: list[tuple[str, Style]] = []
    for words, tags in _parts(text):
        if words and not drawing:
            spans.append((words, style))
        for name, value in tags:
            if name == "p":
                drawing = _number(value) not in (None, 0)
                lost.update({"drawing"} if drawing else ())
            elif name not in _KEPT:
                lost.add(name)
            elif name in ("an", "a"):
                place = _place(name, value) or place
            elif name == "pos":
                place = _positioned(value, header) or place
                lost.add("exact position")
            else:
                style = _changed(style, name, value, base, header, lost)
    return AssText(cue_text(spans), settings_of(place), frozenset(lost))


def _parts(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    at = 0
    for block in _BLOCK.finditer(text):
        yield _plain(text[at : block.start()]), []
        yield "", [(tag[1], tag[2].strip()) for tag in _TAG.finditer(block[1])]
        at = block.end()
    yield _plain(text[at:]), []


def _plain(text: str) -> str:
    return text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", "\u00a0")


def _changed(style: Style, name: str, value: str, base: AssStyle, header: AssHeader, lost: set[str]) -> Style:
    match name:
        case "i":
            return replace(style, italic=value not in ("0", ""))
        case "b":
            return replace(style, bold=value not in ("0", "") and (_number(value) or 0) not in (100, 200, 300, 400))
        case "u":
            return replace(style, underline=value not in ("0", ""))
        case "r":
            return header.styles.get(value, base).style
    if not value:
        return replace(style, colour=base.style.colour)
    colour = _colour(value)
    if colour is None:
        lost.add("colour")
    return replace(style, colour=colour)


def _place(name: str, value: str) -> int | None:
    number = int(_number(value) or 0)
    return _OLD.get(number) if name == "a" else number if 1 <= number <= 9 else None


def _positioned(value: str, header: AssHeader) -> int | None:
    numbers = [_number(part) for part in value.strip("()").split(",")]
    if len(numbers) != 2 or None in numbers or not header.width or not header.height:
        return None
    return place_at((numbers[0] or 0) / header.width, (numbers[1] or 0) / header.height)


def _style(parts: dict[str, str], *, old: bool) -> AssStyle:
    place = int(_number(parts.get("alignment", "2")) or BOTTOM)
    if old:
        place = _OLD.get(place, BOTTOM)
    words = {name: parts.get(name, "0") not in ("0", "") for name in ("bold", "italic", "underline")}
    style = Style(**words, colour=_colour(parts.get("primarycolour", "")))
    return AssStyle(style, place if 1 <= place <= 9 else BOTTOM)


def _colour(value: str) -> str | None:
    """Return the class of a colour: ``&HAABBGGRR&``, or a decimal number in SSA."""
    text = value.strip().strip("&")
    try:
        number = int(text[1:], 16) if text[:1] in "Hh" and text else int(text)
    except ValueError:
        return None
    return colour_class(number & 255, number >> 8 & 255, number >> 16 & 255)


def _number(text: str) -> float | None:
    try:
        found = float(text.strip())
    except ValueError:
        return None
    return found if abs(found) < 1e9 else None
