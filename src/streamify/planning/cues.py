"""Cues of a source become cues of the stream, and are cut where its segments are. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from streamify.errors import counted
from streamify.model.cue import Cue, SourceCue
from streamify.model.cut import Cut
from streamify.model.source import Note

MOST_PLACES = 1_000_000
"""Cues that all segments of a track hold together: endless ones stand in every segment."""


@dataclass(frozen=True)
class Placed:
    """Cues of a track, by time."""

    cues: tuple[Cue, ...]
    notes: tuple[Note, ...]
    left_out: int
    """Cues that the notes name."""


def place_cues(
    cues: Iterable[SourceCue], origin: Fraction, length: Fraction, name: str, cut: Cut | None = None
) -> Placed:
    """Return cues on the stream's timeline, in milliseconds: WebVTT writes no less (W3C WebVTT, 4.1).

    What reaches out of the stream at either end is cut. A cue whose end nothing says is shown until the next one.

    Args:
        cues: In any order.
        origin: When the stream begins on their clock, seconds.
        length: Of the stream, seconds.
        name: Of what they come from, for notes.
        cut: Which part of a film the stream is; cues outside of it are left out as their pictures are.
    """
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end is None, cue.end or 0))
    starts = [cue.start for cue in ordered]
    last = int(length * 1000)
    kept, backwards, before, behind, endless = list[Cue](), 0, 0, list[Fraction](), 0
    for cue in ordered:
        end = cue.end
        if end is None:
            following = bisect_right(starts, cue.start)
            end = starts[following] if following < len(starts) else origin + length
            endless += 1
        start, stop = round((cue.start - origin) * 1000), round((end - origin) * 1000)
        if cue.end is not None and cue.end <= cue.start:
            backwards += 1
        elif start >= last:
            behind.append(cue.start - origin)
        elif stop <= 0:
            before += 1
        else:
            start, stop = max(0, start), min(last, max(stop, start + 1))
            kept.append(Cue(len(kept) + 1, start, stop, cue.text, cue.settings))
    notes = []
    if backwards:
        notes.append(
            Note(kind="dropped", what=f"{name}: {counted(backwards, 'cue')}", why="they end before they begin")
        )
    outside = (before if cut is not None and cut.start > 0 else 0) + (
        len(behind) if cut is not None and cut.short else 0
    )
    if outside:
        notes.append(Note(kind="info", what=f"{name}: {counted(outside, 'cue')}", why="outside the part of the film"))
    if before and not (cut is not None and cut.start > 0):
        notes.append(
            Note(kind="dropped", what=f"{name}: {counted(before, 'cue')}", why="they end before the film begins")
        )
    if behind and not (cut is not None and cut.short):
        why = f"the film ends at {float(length):.3f} s, they begin from {float(min(behind)):.3f} s on"
        notes.append(Note(kind="dropped", what=f"{name}: {counted(len(behind), 'cue')}", why=why))
    if endless:
        notes.append(
            Note(kind="info", what=f"{name}: {counted(endless, 'cue')} without an end", why="shown until the next one")
        )
    return Placed(tuple(kept), tuple(notes), backwards + before + len(behind))


def segment_cues(cues: Sequence[Cue], borders: Sequence[Fraction]) -> list[list[Cue]] | None:
    """Return the cues of each segment: all that are shown in it, so that one over a join is in both.

    ``None``: they are more than `MOST_PLACES` together.

    Args:
        cues: By time.
        borders: Starts of the segments and the end of the last, seconds.
    """
    limits = [border * 1000 for border in borders]
    found: list[list[Cue]] = [[] for _ in limits[1:]]
    places = 0
    for cue in cues:
        first = min(bisect_right(limits, cue.start), len(found)) - 1
        stop = max(first + 1, min(len(found), bisect_left(limits, cue.end)))
        places += stop - first
        if places > MOST_PLACES:
            return None
        for index in range(first, stop):
            found[index].append(cue)
    return found
