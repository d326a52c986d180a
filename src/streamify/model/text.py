"""Text from outside, made safe to show, and numbers and sizes as people read them. Pure."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

from streamify.errors import counted

LIMIT = 100
"""Characters of a name at most."""
_QUOTES = {'"': "\u201d", "'": "\u2019"}


def clean(text: str, limit: int = LIMIT) -> str:
    """Return one line of safe text for an HLS quoted string or an XML value, from an untrusted name.

    Line breaks and control characters become blanks; characters that XML forbids, bidirectional overrides and the
    byte order mark are dropped; the result is in NFC (RFC 8216, section 4). Straight quotes become typographic ones:
    an HLS string cannot hold the double one, and hls-parser 0.16.1 takes an apostrophe for the start of a string.
    """
    kept = []
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if category in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif category not in ("Cs", "Cn", "Cf") or char in "\u200c\u200d":  # joiners belong to words and emoji
            kept.append(_QUOTES.get(char, char))
    joined = unicodedata.normalize("NFC", "".join(kept))  # again: what was dropped stood between
    return " ".join(joined.split())[:limit].strip()


def unique(name: str, used: set[str], limit: int = LIMIT) -> str:
    """Return `name`, or where it is used ``NAME (2)`` and so on, shortened to `limit`; it is added to `used`."""
    candidate, count = name, 1
    while candidate in used:
        count += 1
        suffix = f" ({count})"
        candidate = name[: limit - len(suffix)].rstrip() + suffix
    used.add(candidate)
    return candidate


def decimal(value: Fraction) -> str:
    """Return a number with three decimals at most, without zeros at its end."""
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def size(count: int) -> str:
    """Return bytes in decimal units: 1 kB is 1000 bytes."""
    if count < 1000:
        return counted(count, "byte")
    value = count / 1000
    for unit in ("kB", "MB", "GB"):
        if value < 99.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:  # rounded, 999,700 is 1.0 MB, not 1000 kB
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
