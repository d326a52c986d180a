"""The live display on a terminal, over stderr.

The cursor rests at the start of what is drawn, so that erasing from there to the end of the screen removes it
however the terminal wrapped it when its window changed. Rows that wrapping pushed out at the top of a nearly empty
screen cannot be erased any more; so while the window changes, only a few words are drawn.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

from streamify.cli.show.grid import Screen, picture
from streamify.cli.show.settling import Settling
from streamify.cli.text import ERASE, visible
from streamify.cli.writer import BackgroundWriter
from streamify.jobs.tally import Tally

EVERY = 0.25
"""Seconds between two pictures."""
_LOOK = 0.05
"""Seconds between two looks at the size of the terminal."""
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"


@contextlib.contextmanager
def live(
    tally: Tally, lock: threading.Lock, writer: BackgroundWriter, descriptor: int, encoding: str
) -> Iterator[Callable[[str], None]]:
    """Draw `tally` four times a second, from a thread of its own; give the function that writes a line above it.

    Args:
        tally: What is shown; changed only by who holds `lock`.
        lock: Taken to look at `tally`.
        writer: Writes to the terminal.
        descriptor: Of the terminal.
        encoding: Of the terminal.
    """
    ended = threading.Event()
    unicode, colour = encoding.lower().startswith("utf"), not os.environ.get("NO_COLOR")

    def put(text: str, *, droppable: bool = False) -> None:
        writer.put(text.encode(encoding, "backslashreplace"), droppable=droppable)

    def draw() -> None:
        settling, following = Settling(), 0.0
        while not ended.is_set():
            now, (columns, rows) = time.monotonic(), _size(descriptor)
            settled, changed = settling.see(now, (columns, rows))
            if changed or now >= following:
                following = now + EVERY
                with lock:
                    lines = picture(tally, Screen(columns, rows, colour, unicode, settled), time.time())
                drawn, up = "\n".join(lines), f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
                put(f"{ERASE}{drawn}\r{up}", droppable=True)
            ended.wait(_LOOK)

    thread = threading.Thread(target=draw, name="display", daemon=True)
    put(_HIDE)
    thread.start()
    try:
        yield lambda text: put(f"{ERASE}{visible(text)}\n")
    finally:
        ended.set()
        thread.join()
        put(ERASE + _SHOW)


def _size(descriptor: int) -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(descriptor)
    except OSError:
        return 80, 24
    return columns or 80, rows or 24
