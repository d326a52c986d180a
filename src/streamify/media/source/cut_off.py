"""What is missing of a film whose file was cut off: pictures, sound, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from streamify.errors import SourceError
from streamify.media.source.announced import CUT, LEAST, Announced, missing_end
from streamify.media.source.extent import cut_off
from streamify.model.source import AudioFacts, Gap, Note

WHY = "the file was cut off"


@dataclass(frozen=True)
class CutOff:
    """How much a file that was cut off lacks."""

    missing: int
    """Bytes, at least."""
    size: int
    """Bytes that are there."""
    seconds: Fraction
    """For how long pictures, or one of the sounds, are missing."""
    whole: Fraction
    """Length of the whole film, seconds."""

    def error(self, hint: str) -> SourceError:
        """Return the error of a source of which too much is missing."""
        return cut_off(self.missing, self.size, f", {float(self.seconds):.3f} s of {float(self.whole):.3f} s", hint)

    @property
    def note(self) -> Note:
        """What is said of the file where it is taken."""
        what = f"at least {self.missing} of {self.size + self.missing} bytes are missing at the end"
        return Note(kind="damaged", what=what, why=WHY)


def missing_pictures(
    announced: list[Announced],
    span: tuple[Fraction, Fraction],
    other_end: Callable[[], Fraction],
    missing: int,
    size: int,
    pictures: int,
) -> tuple[Gap, ...]:
    """Return the end of a film that is missing, if any.

    Args:
        announced: What the header says of its length.
        span: When the first picture begins and the last one ends, seconds.
        other_end: Returns the end of the last sample of all other streams.
        missing: Bytes that the file lacks.
        size: Bytes that it has.
        pictures: How many it has.
    """
    start, end = span
    gaps = missing_end(announced, start, end, other_end, CUT if missing else LEAST)
    if missing and not announced:
        length, why = (end - start) * missing / size, f"{missing} bytes are missing, about as long by their size"
        if 2 * length * pictures >= end - start:  # less than half a picture is none
            gaps = (Gap(start=end - start, seconds=length, why=why),)
    return tuple(gap.model_copy(update={"damage": True}) for gap in gaps) if missing else gaps


def missing_sounds(
    beyond: Mapping[int, tuple[int, int]], audio: Sequence[AudioFacts]
) -> Iterator[tuple[AudioFacts, Fraction, Fraction]]:
    """Yield each stream of sound whose end is missing, with when it ends and for how long it is missing, seconds.

    Args:
        beyond: By stream: where it ends, and where it would end, ticks.
        audio: Facts of the streams.
    """
    for one in audio:
        if one.stream in beyond:
            held, full = beyond[one.stream]
            yield one, held * one.time_base, max(full - held, 0) * one.time_base


def sound_note(audio: AudioFacts, at: Fraction, seconds: Fraction) -> Note:
    """Return the note of sound whose end is missing; `at` counts from the first picture."""
    what = f"audio stream {audio.stream}: no sound for {float(seconds):.3f} s at {float(at):.3f} s"
    return Note(kind="damaged", what=what, why=WHY)
