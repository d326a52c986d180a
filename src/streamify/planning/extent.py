"""How far a stream reaches beyond its pictures, so that sound before the first and after the last is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from streamify.model.cut import Cut
from streamify.model.source import AudioFacts, Note, VideoFacts
from streamify.planning.grid import UNHEARD

BESIDE = Fraction(1, 5)
"""Seconds by which sound may begin before the pictures, or end after them, without a picture standing for it: what
whole codec frames, encoders' delays and interleaving leave, at most 0.11 s in every film of the test corpus."""


@dataclass(frozen=True)
class Extent:
    """Seconds for which pictures stand where there is only sound."""

    lead: Fraction = Fraction(0)
    """Before the first picture, which is shown before its time."""
    tail: Fraction = Fraction(0)
    """After the last picture."""
    notes: tuple[Note, ...] = ()


def extent(video: VideoFacts, audio: Sequence[AudioFacts], limit: Fraction, *, constant: bool) -> Extent:
    """Return how long the first and the last picture stand, and what of the sound is left out all the same.

    Args:
        video: The pictures.
        audio: The sound.
        limit: Seconds for which a picture may stand.
        constant: Whether all pictures are shown equally long, the last one too.
    """
    first, last = (ticks * video.time_base + video.late for ticks in (video.first, video.end))
    if constant and video.rate is not None:
        last = first + video.frames / video.rate
    early = {one.stream: first - one.begin for one in audio if one.begin is not None and one.begin < first}
    late = {one.stream: one.end - last for one in audio if one.end is not None and one.end > last}
    lead, tail = _stands(early, limit), _stands(late, limit)
    notes = [
        *_notes("first", "before it", early, lead, limit),
        *_notes("last", "after it", late, tail, limit),
        *_silences(audio, first - lead),
    ]
    return Extent(lead, tail, tuple(notes))


def cut_extent(cut: Cut, video: VideoFacts, audio: Sequence[AudioFacts]) -> Extent:
    """Return for how long the first and the last picture of a part of a film stand, and what is said of it.

    Args:
        cut: Which part.
        video: Its pictures.
        audio: The film's sound.
    """
    start = (video.first if cut.origin is None else cut.origin) * video.time_base + video.late - cut.lead
    stop = start + cut.end - cut.start
    silent = [
        Note(
            kind="info", what=f"audio stream {one.stream} is silent", why="its sound lies beside this part of the film"
        )
        for one in audio
        if (one.begin is not None and one.begin >= stop) or (one.end is not None and one.end <= start)
    ]
    heard = [one for one in audio if one.begin is None or one.begin < stop]
    return Extent(cut.lead, cut.tail, (*cut_notes(cut), *silent, *_silences(heard, start)))


def cut_notes(cut: Cut) -> Iterator[Note]:
    """Yield what is said of a part of a film."""
    times = f"from {float(cut.start):.3f} s to {float(cut.end):.3f} s"
    why = f"the settings from and to; the film is {float(cut.whole):.3f} s long"
    yield Note(kind="info", what=f"the stream is the part of the film {times}", why=why)
    if cut.origin is not None:
        why = "it is the one that the film shows then; the next one follows later"
        yield Note(kind="converted", what="the first picture is shown from the cut on", why=why)
    for seconds, which, where in ((cut.lead, "first", "before it"), (cut.tail, "last", "after it")):
        if seconds:
            what = f"the {which} picture is shown for {float(seconds):.3f} s more"
            yield Note(kind="converted", what=what, why=f"there is only sound {where}")


def _stands(sound: dict[int, Fraction], limit: Fraction) -> Fraction:
    most = max(sound.values(), default=Fraction(0))
    return min(most, limit) if most > BESIDE else Fraction(0)


def _notes(which: str, where: str, sound: dict[int, Fraction], stands: Fraction, limit: Fraction) -> Iterator[Note]:
    if stands:
        streams = ", ".join(str(stream) for stream, seconds in sound.items() if seconds > UNHEARD)
        yield Note(
            kind="converted",
            what=f"the {which} picture is shown for {float(stands):.3f} s more",
            why=f"there is only sound {where} (audio stream {streams})",
        )
    for stream, seconds in sound.items():
        if seconds - stands > UNHEARD:
            more = f", {float(limit):g} s of which are kept (hold_limit)" if stands else ""
            yield Note(
                kind="dropped",
                what=f"{float(seconds - stands):.3f} s of audio stream {stream}",
                why=f"{'before the first' if which == 'first' else 'after the last'} picture{more}",
            )


def _silences(audio: Sequence[AudioFacts], start: Fraction) -> Iterator[Note]:
    for one in audio:
        if one.begin is not None and one.begin > start + UNHEARD:
            yield Note(
                kind="info",
                what=f"audio stream {one.stream} starts {float(one.begin - start):.3f} s late",
                why="silence fills it: sync is kept",
            )
