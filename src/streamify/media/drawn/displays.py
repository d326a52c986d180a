"""Cues as what is shown from which time on, drawn once each."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from streamify.bitstream.bitmaps.base import Display
from streamify.media.drawn.block import Drawn, Sheet
from streamify.media.drawn.marks import read_marks
from streamify.model.cue import SourceCue

TOGETHER = 8
"""Cues that are shown at the same time at most."""


@dataclass
class DrawnCount:
    """What became of cues, counted while they are drawn."""

    missing: Counter[str] = field(default_factory=Counter)
    """Characters that no font has."""
    crowded: int = 0
    """Cues beside which too many others are shown."""
    cut: int = 0
    ruby: int = 0
    upright: int = 0
    """Cues whose lines would stand upright."""


def displays(
    cues: Sequence[SourceCue], sheet: Sheet, canvas: tuple[int, int], count: DrawnCount, first: Fraction, last: Fraction
) -> Iterator[Display]:
    """Yield what is shown from each time on at which something begins or ends.

    Args:
        cues: With times on the clock of the source.
        sheet: To draw on.
        canvas: Its width and height, pixels.
        count: Counts what happens.
        first: When the pictures begin, seconds; a cue that ends before is not drawn.
        last: When they end.
    """
    shown: list[tuple[Fraction, Drawn]] = []

    def until(at: Fraction) -> Iterator[Display]:
        """Yield what is left each time that something ends."""
        nonlocal shown
        for end in sorted({end for end, _ in shown if end <= at}):
            shown = [one for one in shown if one[0] > end]
            if end < at:
                yield _display(end, canvas, shown)

    for cue, end in _ended(cues, last):
        if end <= max(first, cue.start) or cue.start >= last:
            continue
        yield from until(cue.start)
        if len(shown) >= TOGETHER:
            count.crowded += 1
            continue
        words = read_marks(cue.text)
        drawn = sheet.draw(words, cue.settings, [one.box for _, one in shown])
        count.ruby += words.ruby
        count.upright += "vertical:" in cue.settings
        if drawn is None:
            continue
        count.missing.update(drawn.missing)
        count.cut += drawn.cut
        shown.append((end, drawn))
        yield _display(cue.start, canvas, shown)
    if shown:
        yield from until(max(end for end, _ in shown) + 1)


def _ended(cues: Sequence[SourceCue], last: Fraction) -> Iterator[tuple[SourceCue, Fraction]]:
    """Yield cues in order, each with its end; one that has none ends with the next."""
    ordered = sorted(cues, key=lambda cue: cue.start)
    starts = [cue.start for cue in ordered]
    for cue in ordered:
        following = bisect_right(starts, cue.start)
        yield cue, cue.end if cue.end is not None else starts[following] if following < len(starts) else last


def _display(at: Fraction, canvas: tuple[int, int], shown: Sequence[tuple[Fraction, Drawn]]) -> Display:
    return Display(at, canvas, tuple(bitmap for _, drawn in shown for bitmap in drawn.bitmaps))
