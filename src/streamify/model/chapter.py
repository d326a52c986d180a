"""A chapter of a film: a stretch of it with a title."""

from __future__ import annotations

from streamify.model.base import Frozen, Rational


class Chapter(Frozen):
    """One chapter, of a source on its own clock, of a stream from the stream's start."""

    start: Rational
    """Seconds."""
    end: Rational
    """Seconds, exclusive."""
    title: str = ""
    """One line; empty: the source gives none."""
