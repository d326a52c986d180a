"""Chapters of the source become chapters of the stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from streamify.model.chapter import Chapter
from streamify.model.plan import Timeline
from streamify.model.source import Note

_STEP = Fraction(1, 1000)
"""Seconds: WebVTT writes no less (W3C WebVTT, 4.1, timestamps)."""


def place_chapters(
    chapters: Sequence[Chapter], timeline: Timeline, late: Fraction
) -> tuple[tuple[Chapter, ...], tuple[Note, ...]]:
    """Return the chapters on the stream's timeline, and notes on those that it has no place for.

    A chapter ends where its container says so, but no later than the next begins: editions and nested chapters
    overlap, and players show one at a time. One that is said to end before it starts ends with the next one too. Of
    several that begin at the same moment the last one counts, the innermost.

    Args:
        chapters: Of the source, by start, seconds on its clock.
        timeline: From source time to output time.
        late: Seconds by which an edit list shows pictures later than their times (`VideoFacts.late`).
    """
    if not chapters:
        return (), ()
    origin = timeline.origin * timeline.time_base + late - Fraction(timeline.lead, timeline.timescale)
    length = Fraction(timeline.end, timeline.timescale)
    starts = [_rounded(max(chapter.start - origin, Fraction(0))) for chapter in chapters]
    followed = [*starts[1:], _rounded(length)]
    placed, lost = [], 0
    for chapter, start, following in zip(chapters, starts, followed, strict=True):
        end = _rounded(chapter.end - origin) if chapter.end > chapter.start else following
        end = min(end, following, length // _STEP * _STEP)
        if end > start:
            placed.append(Chapter(start=start, end=end, title=chapter.title))
        else:
            lost += 1
    return tuple(placed), tuple(_notes(lost))


def _notes(lost: int) -> Iterable[Note]:
    if lost:
        why = "they lie beside the film, last no millisecond, or begin together with others"
        what = "1 chapter" if lost == 1 else f"{lost} chapters"
        yield Note(kind="dropped", what=what, why=why)


def _rounded(seconds: Fraction) -> Fraction:
    return round(seconds / _STEP) * _STEP
