"""Characters of CEA-708: the code sets G0 to G3 (CTA-708-E, 7.1). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Final

UNKNOWN = "_"
"""Stands for characters that a code set does not have (7.1.6)."""

G2: Final = MappingProxyType(
    {
        0x20: " ", 0x21: "\u00a0", 0x25: "\u2026", 0x2A: "\u0160", 0x2C: "\u0152", 0x30: "\u2588", 0x31: "\u2018",
        0x32: "\u2019", 0x33: "\u201c", 0x34: "\u201d", 0x35: "\u2022", 0x39: "\u2122", 0x3A: "\u0161", 0x3C: "\u0153",
        0x3D: "\u2120", 0x3F: "\u0178", 0x76: "\u215b", 0x77: "\u215c", 0x78: "\u215d", 0x79: "\u215e", 0x7A: "\u2502",
        0x7B: "\u2510", 0x7C: "\u2514", 0x7D: "\u2500", 0x7E: "\u2518", 0x7F: "\u250c",
    }
)  # fmt: skip
"""Behind EXT1 from 0x20 to 0x7F: blanks that are transparent, punctuation, fractions, lines (7.1.6)."""

_WIDE = 0xF0000
"""Where characters of 16 bits stand until all of a service are known: in a plane that no writing uses."""


def single(code: int) -> str:
    """Return the character of a byte: G0 (ASCII, but for a note) or G1 (Latin 1)."""
    return "\u266a" if code == 0x7F else chr(code)


def extended(code: int) -> str:
    """Return the character of a byte behind EXT1: G2 or G3."""
    return "[CC]" if code == 0xA0 else G2.get(code, UNKNOWN)


def wide(first: int, second: int) -> str:
    """Return what stands for a character of 16 bits (P16, 7.1.4) until `narrowed` knows which code it is of."""
    return chr(_WIDE + (first << 8 | second) % 0xFFFE)


def is_korean(texts: Iterable[str]) -> bool:
    """Return whether the characters of 16 bits in all words of a service are of KS X 1001, in its code EUC-KR.

    CTA-708-E leaves the code of P16 to each country. Korea's has both bytes above 0xA0, or is ASCII behind a zero; in
    Unicode, which others use, a third of all syllables and ideographs alone have both there.
    """
    found = False
    for code in (ord(char) - _WIDE for text in texts for char in text if ord(char) >= _WIDE + 0x100):
        found = True
        if code >> 8 <= 0xA0 or code & 0xFF <= 0xA0:
            return False
    return found


def narrowed(text: str, *, korean: bool, escape: Callable[[str], str] = str) -> str:
    """Return text with its characters of 16 bits as Unicode.

    Args:
        text: What `wide` stands in.
        korean: As of `is_korean`.
        escape: Of these characters, where the others are escaped already.
    """
    return "".join(escape(_char(ord(char) - _WIDE, korean=korean)) if ord(char) >= _WIDE else char for char in text)


def _char(code: int, *, korean: bool) -> str:
    name = "euc_kr" if korean and code > 0xFF else "utf_16_be"
    char = code.to_bytes(2, "big").decode(name, "replace")
    return UNKNOWN if char < " " or "\x7f" <= char < "\xa0" or "\ufffd" in char else char
