"""What is said of a source whose edit list leaves out pictures, or shows them in several parts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from streamify.model.source import Note
from streamify.mp4.index import Mp4Index
from streamify.mp4.parts import Arranged

NAMED = 20
"""Pauses that are named one by one; the rest are counted."""


def hidden_notes(index: Mp4Index) -> Iterator[Note]:
    """Yield how many pictures an edit list of one part hides."""
    hidden = len(index.samples) - len(index.shown) - index.duplicates
    if hidden > 0:
        begin = index.edit.first + index.edit.shift
        before = sum(time < begin for time in index.samples.pts)
        where = ((before, "before the start"), (hidden - before, "after the end"))
        yield _hidden(hidden, " and ".join(f"{count} {place}" for count, place in where if count))


def part_notes(laid: Arranged, time_base: Fraction) -> Iterator[Note]:
    """Yield what an edit list of several parts makes of a track; times are those of the finished stream."""
    first = laid.shown[0]
    starts = ", ".join(f"{float(max(one.at - first, 0) * time_base):.3f} s" for one in laid.parts[:NAMED])
    yield Note(
        kind="info",
        what=f"the edit list shows {len(laid.parts)} parts of the track, from {starts}",
        why="each is decoded by itself and shown at the time that the list gives it",
    )
    if laid.hidden:
        yield _hidden(laid.hidden, "outside of the parts")
    pauses = [(one.at + one.end - one.begin, two.at) for one, two in pairwise(laid.parts)]
    pauses = [(start, end) for start, end in pauses if (end - start) * time_base > Fraction(1, 10)]
    why = "the edit list shows nothing there: the picture before it stands"
    for start, end in pauses[:NAMED]:
        length, at = float((end - start) * time_base), float((start - first) * time_base)
        yield Note(kind="info", what=f"no picture for {length:.3f} s at {at:.3f} s", why=why)
    if len(pauses) > NAMED:
        yield Note(kind="info", what=f"{len(pauses) - NAMED} more pauses of the edit list", why="as above")


def _hidden(count: int, where: str) -> Note:
    what = f"{count} picture{'s' if count > 1 else ''} that the edit list hides, {where}"
    return Note(kind="dropped", what=what, why="players do not show them either")
