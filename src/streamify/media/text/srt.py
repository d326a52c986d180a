"""Text of SubRip cues as WebVTT cue text: HTML-like tags and, as many writers use them, tags of ASS."""

from __future__ import annotations

import re
from dataclasses import replace

from streamify.media.text.ass import AssHeader, AssStyle, AssText, read_text
from streamify.media.text.spans import COLOURS, PLAIN, Style, colour_class, cue_text

_TAG = re.compile(r"<(/?)(b|i|u|s|strike|font)(\s[^<>]*)?>|\{\\([^{}]*)\}|\{(/?)([biu])\}", re.IGNORECASE)
_COLOUR = re.compile(r"color\s*=\s*[\"']?\s*(#?[0-9A-Za-z]+)", re.IGNORECASE)
_NAMED = {"green": (0, 128, 0), "aqua": (0, 255, 255), "fuchsia": (255, 0, 255), **COLOURS}


def read_srt(text: str) -> AssText:
    """Return the text of a cue with what is not kept of its tags."""
    style, spans, settings, lost, at = PLAIN, list[tuple[str, Style]](), "", set[str](), 0
    colours: list[str | None] = []
    for tag in _TAG.finditer(text):
        spans.append((text[at : tag.start()], style))
        at = tag.end()
        if tag[4] is not None:
            found = read_text("{\\" + tag[4] + "}", AssStyle(style), AssHeader())
            settings, lost = found.settings or settings, lost | found.lost
            continue
        name, closes = (tag[2] or tag[6]).lower(), bool(tag[1] or tag[5])
        if name in ("b", "i", "u"):
            style = _turned(style, name, on=not closes)
        elif name == "font" and closes:
            style = replace(style, colour=colours.pop() if colours else None)
        elif name == "font":
            colours.append(style.colour)
            style = replace(style, colour=_colour(tag[3] or "", lost))
        elif not closes:
            lost.add("strikeout")
    spans.append((text[at:], style))
    return AssText(cue_text(spans), settings, frozenset(lost))


def _turned(style: Style, name: str, *, on: bool) -> Style:
    match name:
        case "b":
            return replace(style, bold=on)
        case "i":
            return replace(style, italic=on)
    return replace(style, underline=on)


def _colour(attributes: str, lost: set[str]) -> str | None:
    given = _COLOUR.search(attributes)
    if given is None:
        lost.add("font")
        return None
    value = given[1].lower()
    parts = _NAMED.get(value)
    if parts is None and re.fullmatch(r"#?[0-9a-f]{6}", value):
        number = int(value.lstrip("#"), 16)
        parts = number >> 16, number >> 8 & 255, number & 255
    found = colour_class(*parts) if parts is not None else None
    if found is None:
        lost.add("colour")
    return found
