"""WebVTT cue text (W3C WebVTT, 4.2.2) as lines of styled characters. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace

from streamify.media.text.spans import COLOURS, PLAIN, Style

_TOKEN = re.compile(r"<(/?)([a-z]*)((?:\.[^\s.<>]+)*)[^<>]*>")
_ISOLATES = re.compile("[\u2066-\u2069\u200e\u200f\u202a-\u202e]")
"""Marks of directions: runs of right-to-left words are found by their letters."""


@dataclass(slots=True)
class Line:
    """Characters, and how each of them looks."""

    text: str = ""
    styles: list[Style] = field(default_factory=list)

    def add(self, text: str, style: Style) -> None:
        """Append characters of one style."""
        self.text += text
        self.styles += [style] * len(text)

    def part(self, start: int, stop: int) -> Line:
        """Return some of its characters."""
        return Line(self.text[start:stop], self.styles[start:stop])


@dataclass(frozen=True, slots=True)
class Marked:
    """The words of a cue."""

    lines: tuple[Line, ...]
    ruby: bool
    """Whether it has ruby, whose text was put in brackets behind its base."""


def read_marks(text: str) -> Marked:
    """Return the lines of cue text."""
    lines, stack, at, ruby = [Line()], list[tuple[str, Style]](), 0, False
    style = PLAIN

    def write(words: str) -> None:
        for number, part in enumerate(_ISOLATES.sub("", html.unescape(words)).split("\n")):
            if number:
                lines.append(Line())
            lines[-1].add(part, style)

    for token in _TOKEN.finditer(text):
        write(text[at : token.start()])
        at = token.end()
        closes, name, classes = token[1], token[2], token[3]
        if closes:
            if not any(one == name for one, _ in stack):
                continue
            while True:
                closed, style = stack.pop()
                if closed == "rt":
                    write(")")
                if closed == name:
                    break
            continue
        stack.append((name, style))
        if name == "rt":
            ruby = True
            write("(")
        style = _styled(style, name, classes)
    write(text[at:])
    return Marked(tuple(line for line in lines if line.text.strip()), ruby)


def _styled(style: Style, name: str, classes: str) -> Style:
    match name:
        case "b":
            return replace(style, bold=True)
        case "i":
            return replace(style, italic=True)
        case "u":
            return replace(style, underline=True)
    colour = next((one for one in classes.split(".") if one in COLOURS), None)
    return replace(style, colour=colour) if colour is not None else style
