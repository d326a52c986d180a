"""Styled words as WebVTT cue text (W3C WebVTT, 4.2.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

COLOURS: Final = MappingProxyType(
    {
        "white": (255, 255, 255),
        "lime": (0, 255, 0),
        "cyan": (0, 255, 255),
        "red": (255, 0, 0),
        "yellow": (255, 255, 0),
        "magenta": (255, 0, 255),
        "blue": (0, 0, 255),
        "black": (0, 0, 0),
    }
)
"""Classes that every player colours (W3C WebVTT, 5)."""

NEAR = 80
"""How far each part of a colour may be from that of a class, of 255."""

_BLANK = re.compile(r"\n[ \t]*(?=\n)")


@dataclass(frozen=True, slots=True)
class Style:
    """How words look."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    colour: str | None = None
    """Name of one of `COLOURS`."""


PLAIN: Final = Style()
Look = TypeVar("Look")


def colour_class(red: int, green: int, blue: int) -> str | None:
    """Return the class of a colour; ``None``: no class is near."""
    name, parts = min(
        COLOURS.items(), key=lambda item: sum((a - b) ** 2 for a, b in zip(item[1], (red, green, blue), strict=True))
    )
    near = max(abs(a - b) for a, b in zip(parts, (red, green, blue), strict=True)) <= NEAR
    return name if near else None


def escape(text: str) -> str:
    """Return text that a WebVTT parser reads as it is, and no HTML parser as anything else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tidy(text: str) -> str:
    """Return text without what no cue may hold: control characters, blank lines, blanks at its ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    text = "".join(char for char in text if char >= " " or char in "\n\t")
    return _BLANK.sub("", text).strip("\n \t")


def row_spans(
    rows: Iterable[Iterable[tuple[str, Look]]], style: Callable[[Look], Style]
) -> Iterator[tuple[str, Style]]:
    """Yield the characters of rows, each with what it looks like, as spans for `cue_text`; a line feed between rows."""
    for number, row in enumerate(rows):
        if number:
            yield "\n", Style()
        for char, look in row:
            yield char, style(look)


def cue_text(spans: Iterable[tuple[str, Style]]) -> str:
    """Return styled words as cue text."""
    joined: list[tuple[str, Style]] = []
    for text, style in spans:
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        elif text:
            joined.append((text, style))
    return tidy("".join(marked(text, style) for text, style in joined))


def marked(text: str, style: Style) -> str:
    """Return words of one style as cue text."""
    found = escape(text)
    if not text.strip():
        return found
    for name, given in (("u", style.underline), ("i", style.italic), ("b", style.bold)):
        if given:
            found = f"<{name}>{found}</{name}>"
    return f"<c.{style.colour}>{found}</c>" if style.colour not in (None, "white") else found
