"""Where on the picture words stand, as WebVTT cue settings (W3C WebVTT, 4.4). Pure."""

from __future__ import annotations

BOTTOM = 2
"""Of the nine places of a numeric keypad, where subtitles usually stand."""

ROWS, COLUMNS = 15, 32
"""Of the screen of captions."""
CENTRED = 3
"""Columns by which the margins of a centred caption may differ: encoders place in steps of four, or of one."""

_LINES = {0: "", 1: "line:50%", 2: "line:0"}
_SIDES = {0: "position:0% align:left", 1: "", 2: "position:100% align:right"}


def settings_of(place: int) -> str:
    """Return the settings of one of nine places: 1 is at the bottom left, 9 at the top right, as in ASS (``\\an``)."""
    row, column = divmod(place - 1, 3)
    return " ".join(filter(None, (_LINES[row], _SIDES[column])))


def place_at(x: float, y: float) -> int:
    """Return the place that a point is nearest to; from 0 at the top left to 1 at the bottom right."""
    column = 0 if x < 1 / 4 else 2 if x > 3 / 4 else 1
    row = 2 if y < 1 / 3 else 0 if y > 2 / 3 else 1
    return row * 3 + column + 1


def settings_at(first: int, last: int, left: float, right: float, *, beside: bool) -> str:
    """Return where words stand that fill a part of the screen.

    Args:
        first: Their first row, from 1 at the top to 15.
        last: Their last row.
        left: Columns to the left of them, of 32.
        right: Columns to the right of them.
        beside: As of rows.
    """
    line = 2 if last > ROWS * 2 // 3 else 8 if first <= ROWS // 3 else 5
    side = ""
    if beside or right - left > CENTRED:
        side = f"position:{_percent(left)} align:left"
    elif left - right > CENTRED:
        side = f"position:{_percent(COLUMNS - right)} align:right"
    return " ".join(filter(None, (settings_of(line), side)))


def _percent(column: float) -> str:
    """Return where a column lies across a picture: 32 of them fill what is safe, 80 per cent (CEA-608-E, annex C)."""
    return f"{round(10 + 2.5 * column, 1):g}%"
