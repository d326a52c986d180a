"""Which encoding a text is in."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKUP = re.compile(rb"<[^<>]*>|\{[^{}]*\}")
SAMPLE = 200_000
"""Bytes of a text by which its encoding is told."""


@dataclass(frozen=True)
class Decoded:
    """A text, and how it was read."""

    text: str
    encoding: str
    """Python's name."""
    certain: bool
    """Whether a mark or the bytes themselves leave no doubt."""
    damaged: int = 0
    """Characters that the encoding has no meaning for."""


def decode(data: bytes, hint: str = "") -> Decoded:
    """Return a text of any encoding: by its mark, else UTF-8 where it is that, else the most likely one.

    Args:
        data: The text.
        hint: Encoding in which its language was written before UTF-8.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _read(data[len(mark) :], name, certain=True)
    for name in ("utf-16-le", "utf-16-be"):  # without a mark: every other byte of Latin letters is 0
        zeros = data[:4096][name == "utf-16-le" :: 2].count(0)
        if len(data) >= 8 and zeros > min(len(data), 4096) // 4:
            return _read(data, name, certain=True)
    try:
        return Decoded(data.decode("utf-8"), "utf-8", certain=True)
    except UnicodeDecodeError as error:
        # A single damaged place in what is UTF-8 otherwise: anything else has few valid sequences of several bytes.
        text = data.decode("utf-8", "replace")
        wrong, high = text.count("\ufffd"), sum(char > "\x7f" for char in text)
        if high > 20 * wrong and error.start > 0:
            return Decoded(text, "utf-8", certain=True, damaged=wrong)
    return _read(data, _likely(data, hint), certain=False)


def _likely(data: bytes, hint: str) -> str:
    """Return the encoding of a text that is not UTF-8: that of its language where it fits, else the most likely one."""
    if hint:
        try:
            data.decode(hint).encode()  # some of Python's codecs give halves of surrogate pairs
        except (LookupError, UnicodeError):  # unknown, no encoding of texts, or it does not fit
            pass
        else:
            return hint
    from chardet import EncodingEra, detect  # 0.1 s, and only old files need it

    telling = b"\n".join(line for line in data.splitlines() if any(byte > 127 for byte in line))
    found = detect(_MARKUP.sub(b"", telling)[:SAMPLE], encoding_era=EncodingEra.MODERN_WEB)["encoding"]
    try:
        return codecs.lookup(found or "cp1252").name
    except LookupError:
        return "cp1252"


def _read(data: bytes, name: str, *, certain: bool) -> Decoded:
    text = data.decode(name, "replace")
    return Decoded(text, name.replace("_", "-"), certain, text.count("\ufffd"))
