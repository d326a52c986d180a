"""The live display: segments x renditions on a terminal, over stderr."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streamify.cli.show.tally import Row, Tally

_EMPTY, _PART, _FULL = "·", "▒", "█"


@contextlib.contextmanager
def live(tally: Tally) -> Iterator[Callable[[str], None]]:
    """Draw `tally` four times a second; give the function that prints a line above it."""
    console = Console(stderr=True, highlight=False)

    def draw() -> RenderableType:
        return picture(tally, console.width, time.time())

    with Live(get_renderable=draw, console=console, refresh_per_second=4, transient=True):
        yield lambda line: console.print(Text(line))


def picture(tally: Tally, width: int, now: float) -> RenderableType:
    """Return the grid: a row for each rendition, a cell for one or more neighbouring segments."""
    head = Text(tally.line(now).strip(), style="bold", no_wrap=True, overflow="ellipsis")
    if not tally.rows:
        return head
    table = Table.grid(padding=(0, 1))
    room = max(10, width - max(map(len, tally.rows)) - 18)
    for name, row in tally.rows.items():
        table.add_row(name, cells(row, min(room, row.segments)), f"{row.complete}/{row.segments}")
    return Group(head, table)


def cells(row: Row, count: int) -> Text:
    """Return `count` cells; the segments of earlier runs fill the holes from the left."""
    made = sorted(segment for _, segment in row.done)
    fill = [0] * count
    size = [0] * count
    per = max(1, row.segments)
    for index in range(row.segments):
        size[index * count // per] += 1
    for segment in made:
        fill[min(segment, per - 1) * count // per] += 1
    before = row.before
    for cell in range(count):
        take = min(before, size[cell] - min(fill[cell], size[cell]))
        fill[cell] += take
        before -= take
    text = Text(no_wrap=True)
    for have, need in zip(fill, size, strict=True):
        full = have >= need
        text.append(_FULL if full else _PART if have else _EMPTY, "green" if full else "yellow" if have else "dim")
    return text
