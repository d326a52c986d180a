"""A stream that is a part of its film."""

from __future__ import annotations

from fractions import Fraction

from streamify.model.base import Frozen, Rational


class Cut(Frozen):
    """Which part of a film became the stream, seconds of the film; its time 0 is that of the stream without a cut."""

    start: Rational
    """When the stream begins."""
    end: Rational
    """When it ends."""
    whole: Rational
    """Length of the film."""
    begin: Rational
    """When the stream begins, counted from the film's first picture, or from its first sound where it has none."""
    lead: Rational = Fraction(0)
    """Seconds for which the first picture is shown before its time, as the film shows it while there is only sound."""
    tail: Rational = Fraction(0)
    """Seconds for which the last picture stands on, likewise."""
    origin: int | None = None
    """Source tick with which the stream begins, where the picture that it begins with has been there for longer;
    ``None``: it begins with a picture, or its `lead`."""

    @property
    def short(self) -> bool:
        """Whether it ends before the film does."""
        return self.end < self.whole
