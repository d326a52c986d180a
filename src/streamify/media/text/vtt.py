"""Text and settings of WebVTT cues from outside, made well-formed (W3C WebVTT, 4.2.2 and 4.4)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from streamify.errors import counted
from streamify.media.text.ass import AssText
from streamify.media.text.spans import escape, tidy
from streamify.model.source import Note

_TOKEN = re.compile(
    r"<(/?)(c|i|b|u|ruby|rt|v|lang)((?:\.[^\s.<>&]+)*)(?:[ \t\n]+([^<>]*))?>|<[0-9:.]*>|</?[^<>\s]*[^<>]*>"
)
_BLOCKS = re.compile(r"\n[ \t]*\n(STYLE|REGION)[ \t]*(?=\n|$)")
_NUMBER: Final = r"-?\d{1,6}(?:\.\d{1,6})?"
_SETTINGS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "vertical": re.compile(r"rl|lr"),
        "line": re.compile(rf"{_NUMBER}%?(?:,(?:start|center|end))?"),
        "position": re.compile(r"\d{1,3}(?:\.\d{1,6})?%(?:,(?:line-left|center|line-right))?"),
        "size": re.compile(r"\d{1,3}(?:\.\d{1,6})?%"),
        "align": re.compile(r"start|center|middle|end|left|right"),
    }
)


def block_notes(header: str, name: str) -> Iterator[Note]:
    """Yield what is said of style sheets and regions in what stands before the first cue (W3C WebVTT, 4.2 and 4.3).

    Args:
        header: From the signature on.
        name: Of what has it.
    """
    found = [one[1] for one in _BLOCKS.finditer(header)]
    told = [counted(found.count(kind), f"{kind} block") for kind in ("STYLE", "REGION") if kind in found]
    if told:
        why = "tags, colour classes and places of cues are kept, style sheets and regions are not"
        yield Note(kind="converted", what=f"{name}: without {' and '.join(told)}", why=why)


def read_vtt(text: str, settings: str = "") -> AssText:
    """Return cue text with all tags closed, everything else escaped, and those settings that can be kept."""
    out, stack, lost, at = list[str](), list[str](), set[str](), 0
    for token in _TOKEN.finditer(text):
        out.append(_escaped(text[at : token.start()]))
        at = token.end()
        closes, name, classes, annotation = token.groups()
        if name is None:
            lost.add("times of words" if re.fullmatch(r"<[0-9:.]*>", token[0]) else "tags")
        elif closes:
            _close(name, stack, out)
        else:
            value = _escaped(" ".join((annotation or "").split()))
            if name == "rt" and "ruby" not in stack:
                continue
            out.append(f"<{name}{classes}{' ' + value if value and name in ('v', 'lang') else ''}>")
            stack.append(name)
    out.append(_escaped(text[at:]))
    out.extend(f"</{name}>" for name in reversed(stack))
    kept = []
    for setting in settings.split():
        name, _, value = setting.partition(":")
        if name in _SETTINGS and _SETTINGS[name].fullmatch(value):
            kept.append(f"{name}:{'center' if value == 'middle' else value}")
        else:
            lost.add(f"setting {name[:20]}")
    return AssText(tidy("".join(out)), " ".join(kept), frozenset(lost))


def _close(name: str, stack: list[str], out: list[str]) -> None:
    if name in stack:
        while (last := stack.pop()) != name:
            out.append(f"</{last}>")
        out.append(f"</{name}>")


def _escaped(text: str) -> str:
    return escape(html.unescape(text))
