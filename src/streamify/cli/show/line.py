"""The state of a job in one line, as wide as there is room for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify.cli.text import clock
from streamify.errors import counted
from streamify.model.text import size

if TYPE_CHECKING:
    from streamify.jobs.tally import Tally


def line(tally: Tally, now: float, width: int | None = None) -> str:
    """Return what is known, the most useful first; where `width` columns are too few, the least useful is left out."""
    parts = _parts(tally, now)
    least = sorted(range(1, len(parts)), key=lambda index: parts[index][0])  # the first always stays
    shown = set(range(len(parts)))
    while width is not None and least and len(_joined(parts, shown)) > width:
        shown.remove(least.pop())
    return _joined(parts, shown)[:width]


def _joined(parts: list[tuple[int, str]], shown: set[int]) -> str:
    return ", ".join(text for index, (_, text) in enumerate(parts) if index in shown)


def _parts(tally: Tally, now: float) -> list[tuple[int, str]]:
    """Return pairs of rank (what is low is kept longest) and text, in the order of reading."""
    elapsed = (3, f"{clock(max(0.0, now - (now if tally.started is None else tally.started)))} elapsed")
    workers = [(7, counted(tally.workers, "worker"))] if tally.workers else []
    if tally.uploaded and not tally.rows:
        done, total = tally.uploaded
        return [(0, f"{done / total:4.0%}"), (1, f"uploaded {size(int(done))} of {size(int(total))}"), elapsed]
    if not tally.rows:
        if tally.tasks:
            return [(0, f"{counted(tally.tasks, 'segment')} checked"), elapsed, *workers]
        return [(0, "reading the source and planning"), elapsed, *workers]
    speed, fps, left = tally.speed(now), tally.fps(now), tally.eta(now)
    if tally.complete == tally.total:
        return [(0, "100%"), (1, "checking and writing the manifests"), elapsed]
    parts = [(0, f"{_percent(tally.fraction):3d}%")]
    if speed is None:
        waiting = "starting workers" if not tally.workers else "first segments at work"
        parts += [(1, waiting if tally.fraction < 1 else "waiting for sound")]
    else:
        parts += [(5, f"{fps:.0f} fps")] if fps is not None else []
        parts += [(2, f"{speed:.2f}x realtime" if speed < 10 else f"{speed:.0f}x realtime")]
    parts += [elapsed]
    parts += [(1, f"{clock(left)} left")] if left is not None else []
    parts += [(6, f"{tally.complete} of {counted(tally.total, 'segment')}"), *workers]
    return parts + ([(4, f"{tally.retries} retried")] if tally.retries else [])


def _percent(fraction: float) -> int:
    """Return whole per cent, rounded down: 100 % is said of what is finished."""
    return min(99, int(fraction * 100 + 1e-9))
