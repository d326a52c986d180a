"""Notes about a film, as notes about a part of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from streamify.model.source import Note

_WHEN = re.compile(r"\b(?:at|from|to) [0-9]+\.[0-9]{3} s(?:, [0-9]+\.[0-9]{3} s)*")
"""How notes of a source say when, in seconds from its first picture: see `media.source.scan.seconds`."""
_TIME = re.compile(r"[0-9]+\.[0-9]{3}")


def moved_notes(notes: Iterable[Note], by: Fraction, length: Fraction, *, last: bool) -> tuple[Note, ...]:
    """Return the notes that are about a part of a film too, with their times counted from its start.

    Notes that say no time are about all of the film. What reaches into the part is said to begin with it.

    Args:
        notes: About the film.
        by: When the part begins, seconds from the first picture.
        length: Of the part, seconds.
        last: Whether it is the end of the film, so that what is missing behind it is missing there too.
    """
    found = []
    for note in notes:
        times = [Fraction(time) - by for run in _WHEN.findall(note.what) for time in _TIME.findall(run)]
        if times and (max(times) < 0 or (min(times) >= length and not last)):
            continue
        found.append(note.model_copy(update={"what": _moved(note.what, by), "why": _moved(note.why, by)}))
    return tuple(found)


def _moved(text: str, by: Fraction) -> str:
    def moved(time: re.Match[str]) -> str:
        return f"{float(max(Fraction(0), Fraction(time[0]) - by)):.3f}"

    return _WHEN.sub(lambda run: _TIME.sub(moved, run[0]), text)
