"""The live display as lines of text: the state of the job, and segments x renditions. Pure."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamify.cli.show.line import line
from streamify.cli.text import visible

if TYPE_CHECKING:
    from streamify.jobs.tally import Row, Tally

_EMPTY, _PART, _FULL = "·", "▒", "█"
_COLOURS = {_EMPTY: "2", _PART: "33", _FULL: "32"}
_PLAIN = str.maketrans({_EMPTY: ".", _PART: "+", _FULL: "#"})
_UNSETTLED = 20
"""Columns that are used while the size of the window changes: what is wider than its new width wraps."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_SPINNER = "|/-\\"


@dataclass(frozen=True)
class Screen:
    """What a terminal can show."""

    columns: int
    rows: int
    colour: bool = True
    unicode: bool = True
    settled: bool = True
    """Whether the size has stayed the same for a while."""


def picture(tally: Tally, screen: Screen, now: float) -> list[str]:
    """Return the lines: the state, and a row for each rendition with a cell for one or more neighbouring segments."""
    spinner = _SPINNER if screen.unicode else _PLAIN_SPINNER
    turning = spinner[int(now * 4) % len(spinner)]
    width = screen.columns - 1  # a line that fills the last column wraps when the window gets narrower
    head = f"{turning} {line(tally, now, max(1, (width if screen.settled else min(width, _UNSETTLED)) - 2))}"
    lines = [f"\x1b[1m{head}\x1b[0m" if screen.colour else head]
    names = {name: visible(name) for name in tally.rows}
    label = max(map(len, names.values()), default=0)
    counts = {name: f"{row.complete}/{row.segments}" for name, row in tally.rows.items()}
    room = width - label - max(map(len, counts.values()), default=0) - 2
    if room < 1 or len(tally.rows) + 2 > screen.rows or not screen.settled:
        return lines
    for name, row in tally.rows.items():
        made = cells(row, min(room, row.segments), tally.at_work(name))
        shown = _coloured(made) if screen.colour else made
        shown = shown if screen.unicode else shown.translate(_PLAIN)
        lines.append(f"{names[name]:{label}} {shown} {counts[name]}")
    return lines


def cells(row: Row, count: int, at_work: AbstractSet[int] = frozenset()) -> str:
    """Return `count` cells; the segments of earlier runs fill the holes from the left."""
    fill = [0] * count
    size = [0] * count
    per = max(1, row.segments)
    for index in range(row.segments):
        size[index * count // per] += 1
    for _, segment in row.done:
        fill[min(segment, per - 1) * count // per] += 1
    before = row.before
    for cell in range(count):
        take = min(before, size[cell] - min(fill[cell], size[cell]))
        fill[cell] += take
        before -= take
    busy = {segment * count // per for segment in at_work}
    return "".join(
        _FULL if have >= need else _PART if have or cell in busy else _EMPTY
        for cell, (have, need) in enumerate(zip(fill, size, strict=True))
    )


def _coloured(text: str) -> str:
    return re.sub(r"(.)\1*", lambda run: f"\x1b[{_COLOURS[run[1]]}m{run[0]}\x1b[0m", text)
