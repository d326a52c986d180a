"""Where on the picture words stand, as WebVTT cue settings (W3C WebVTT, 4.4). Pure."""

from __future__ import annotations

BOTTOM = 2
"""Of the nine places of a numeric keypad, where subtitles usually stand."""

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
