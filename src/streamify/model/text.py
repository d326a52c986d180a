"""Text from outside, made safe to show."""

from __future__ import annotations

import unicodedata

_QUOTES = {'"': "\u201d", "'": "\u2019"}


def clean(text: str, limit: int = 100) -> str:
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
    return " ".join("".join(kept).split())[:limit].strip()
