"""Values as people read them, and text from outside made safe to show. Pure."""

from __future__ import annotations

from collections.abc import Sequence

ERASE = "\r\x1b[K\x1b[C\x1b[J\r"
"""Erases from the start of the cursor's line to the end of the screen. In two steps: tmux keeps in its history what one
command erases from the first cell of a screen on."""

_SHOWN = frozenset("\xa0\u00ad\u200c\u200d\u202f\u3000")
"""Not printable in Python's sense, harmless, and part of ordinary names: no-break spaces, joiners, soft hyphen."""


def visible(text: str) -> str:
    r"""Return `text` with every character that a terminal would obey instead of show written as an escape (``\x1b``).

    Text from outside is a name, a title, a path or a message. Escaped are C0 and C1 controls, line breaks, marks and
    overrides of direction, surrogates, and code points that are not assigned. Applied twice it changes nothing more, so
    that a column can be measured before the line is shown.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _SHOWN else _escape(char) for char in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def clock(seconds: float) -> str:
    """Return ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def bits(rate: int) -> str:
    """Return bits per second in decimal units."""
    return f"{rate / 1e6:.1f} Mbit/s" if rate >= 1_000_000 else f"{rate / 1e3:.0f} kbit/s"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with their columns lined up."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
