"""The chapters of a source, as its container lists them."""

from __future__ import annotations

from fractions import Fraction

from av.container import InputContainer

from streamify.model.chapter import Chapter
from streamify.model.limits import CHAPTERS
from streamify.model.source import Note
from streamify.model.text import clean


def read_chapters(container: InputContainer) -> tuple[tuple[Chapter, ...], tuple[Note, ...]]:
    """Return the chapters in order of their starts, seconds on the source's clock, and what is not kept of them."""
    listed = container.chapters()
    found = sorted(
        (
            Chapter(
                start=one["start"] * (one["time_base"] or Fraction(1)),
                end=one["end"] * (one["time_base"] or Fraction(1)),
                title=clean(one["metadata"].get("title", "")),
            )
            for one in listed[:CHAPTERS]
        ),
        key=lambda chapter: chapter.start,
    )
    if len(listed) <= CHAPTERS:
        return tuple(found), ()
    what = f"{len(listed) - CHAPTERS} chapters"
    return tuple(found), (Note(kind="dropped", what=what, why=f"a stream has at most {CHAPTERS}"),)
