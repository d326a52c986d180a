"""Which pictures and which sound are in the part of a film that ``from`` and ``to`` ask for. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from streamify.errors import UsageError
from streamify.model.cut import Cut
from streamify.model.settings import MediaSettings
from streamify.model.source import Gap, SourceFacts, VideoFacts
from streamify.model.text import decimal
from streamify.planning.audio import output_rate
from streamify.planning.film import is_constant, reach, video_timeline
from streamify.planning.moved import moved_notes

NEAR = Fraction(1, 10)
"""Seconds after the start of a cut within which a picture has to begin; else the one that is shown then comes first."""


@dataclass(frozen=True)
class Span:
    """The pictures of a part of a film."""

    first: int
    """Number of the first among those of the film."""
    stop: int
    """Number of the one behind the last."""
    end: int
    """Source tick at which the last one ends."""
    constant: bool
    """Whether they are shown at a constant rate."""
    cut: Cut


def is_cut(settings: MediaSettings) -> bool:
    """Return whether the settings ask for a part of the film."""
    return bool(settings.from_) or settings.to is not None


def picture_span(facts: SourceFacts, pts: Sequence[int], settings: MediaSettings) -> Span:
    """Return which pictures are in the part of a film that the settings ask for.

    The first is the first whose time is ``from`` or later, and pictures before ``to`` are in it, as with FFmpeg's
    filter trim. At a constant rate the stream begins with that picture. At a variable one, and where only sound is
    left, it begins at ``from`` itself with the picture that is shown then, if no other begins within `NEAR`.

    Args:
        facts: Of the whole film.
        pts: When its pictures are shown, source ticks.
        settings: What the user wants.

    Raises:
        UsageError: ``cut-outside``, there is nothing.
    """
    video = facts.video
    assert video is not None
    timeline, _ = video_timeline(video, pts, settings, reach(facts, video, settings))
    lead, whole = Fraction(timeline.lead, timeline.timescale), Fraction(timeline.end, timeline.timescale)
    start, stop = _asked(facts, settings, whole)
    if video.rate is not None and is_constant(video, settings):
        found = _even(pts, video, video.rate, (start, stop), (lead, whole), timeline.keep_every)
        if found is not None:
            return found
    return _uneven(facts, pts, (start, stop), (lead, whole))


def _asked(facts: SourceFacts, settings: MediaSettings, whole: Fraction) -> tuple[Fraction, Fraction]:
    """Return from when to when, seconds of the film."""
    start = settings.from_ or Fraction(0)
    if start >= whole:
        raise UsageError(
            "cut-outside",
            f"from {decimal(start)} s: nothing follows, {facts.ref.key} is {decimal(whole)} s long",
            "give an earlier --from",
        )
    return start, min(whole, settings.to) if settings.to is not None else whole


def _even(
    pts: Sequence[int],
    video: VideoFacts,
    rate: Fraction,
    asked: tuple[Fraction, Fraction],
    film: tuple[Fraction, Fraction],
    keep_every: int,
) -> Span | None:
    """Return the span of whole pictures at a constant rate; ``None``: no picture begins in it.

    Times of pictures are those of the film's timeline, which the container may have rounded.
    """
    (start, stop), (lead, whole) = asked, film
    first = max(0, ceil((start - lead) * rate))
    behind = min(len(pts), ceil((stop - lead) * rate)) if stop < whole else len(pts)
    if first >= behind:
        return None
    before = floor((lead - start) * rate) if start < lead else 0
    after = max(0, ceil((stop - lead) * rate) - len(pts)) // keep_every * keep_every
    begin = Fraction(first - before) / rate
    length = Fraction(-(-(behind - first) // keep_every) * keep_every + before + after) / rate
    return Span(
        first=first,
        stop=behind,
        end=pts[behind] if behind < len(pts) else video.end,
        constant=True,
        cut=Cut(
            start=lead + begin,
            end=min(whole, lead + begin + length),
            whole=whole,
            begin=begin,
            lead=before / rate,
            tail=after / rate,
        ),
    )


def _uneven(
    facts: SourceFacts, pts: Sequence[int], asked: tuple[Fraction, Fraction], film: tuple[Fraction, Fraction]
) -> Span:
    """Return the span of pictures that come at any time."""
    (start, stop), (lead, whole) = asked, film
    video = facts.video
    assert video is not None
    base = video.time_base
    zero = pts[0] * base - lead  # of the film, on the clock of its pictures
    tick = ceil((zero + start) / base)
    first = bisect_left(pts, tick)
    behind = bisect_left(pts, ceil((zero + stop) / base)) if stop < whole else len(pts)
    before, origin = Fraction(0), None
    if first == behind or pts[first] * base - (zero + start) > NEAR:
        if first:
            first, origin = first - 1, tick
        elif behind:
            before = lead - start
        else:
            raise UsageError(
                "cut-outside",
                f"to {decimal(stop)} s: {facts.ref.key} shows its first picture at {decimal(lead)} s, sound alone is "
                "no part of a film that can be cut",
                "give a later --to",
            )
    end = min(video.end, ceil((zero + stop) / base)) if stop < whole else video.end
    end = max(end, (pts[behind - 1] if behind > first else pts[first]) + 1, 0 if origin is None else origin + 1)
    after = max(Fraction(0), zero + stop - end * base)
    begin = ((pts[first] if origin is None else origin) - pts[0]) * base - before
    return Span(
        first=first,
        stop=max(behind, first + 1),
        end=end,
        constant=False,
        cut=Cut(
            start=lead + begin,
            end=lead + end * base - pts[0] * base + after,
            whole=whole,
            begin=begin,
            lead=before,
            tail=after,
            origin=origin,
        ),
    )


def cut_pictures(facts: SourceFacts, pts: Sequence[int], span: Span, counted: tuple[int, int]) -> SourceFacts:
    """Return what is known of a part of a film.

    Args:
        facts: Of the film.
        pts: When its pictures are shown, source ticks.
        span: Which of them are in the part.
        counted: Pictures of the part, counted in the order of decoding, and how many of these are left out.
    """
    video, cut = facts.video, span.cut
    assert video is not None
    base = video.time_base
    first, origin = pts[span.first], pts[span.first] if cut.origin is None else cut.origin
    seconds = (span.end - first) * base
    late = video.late
    if span.constant and video.rate is not None and facts.audio:
        # The container may have rounded the time of the first picture; sound is heard beside where it belongs.
        late += (pts[0] - first) * base + span.first / video.rate
    part = video.model_copy(
        update={
            "first": first,
            "end": span.end,
            "frames": span.stop - span.first,
            "rate": video.rate if span.constant else None,
            "average_rate": (span.stop - span.first) / seconds,
            "late": late,
        }
    )
    by, length = (origin - pts[0]) * base, (span.end - origin) * base
    return facts.model_copy(
        update={
            "video": part,
            "duration": length,
            "coded": counted[0],
            "left_out": counted[1],
            "gaps": _gaps(facts.gaps, by, length, last=not cut.short),
            "breaks": tuple(one.model_copy(update={"at": one.at - by}) for one in facts.breaks),
            "cut": cut,
            "notes": moved_notes(facts.notes, by, length, last=not cut.short),
        }
    )


def cut_sound(facts: SourceFacts, settings: MediaSettings) -> SourceFacts:
    """Return what is known of a part of a film without pictures: whole samples of the first stream.

    Raises:
        UsageError: ``cut-outside``.
    """
    rate = output_rate(facts.audio[0])
    whole = Fraction(ceil(facts.duration * rate), rate)
    start, stop = (Fraction(round(time * rate), rate) for time in _asked(facts, settings, whole))
    stop = max(stop, start + Fraction(1, rate))
    cut = Cut(start=start, end=stop, whole=whole, begin=start)
    notes = moved_notes(facts.notes, start, stop - start, last=not cut.short)
    return facts.model_copy(update={"duration": stop - start, "cut": cut, "notes": notes})


def _gaps(gaps: Sequence[Gap], by: Fraction, length: Fraction, *, last: bool) -> tuple[Gap, ...]:
    """Return the gaps in a part, counted from its start.

    Args:
        gaps: Of the film.
        by: When the part begins, seconds from the first picture.
        length: Of the part, seconds.
        last: Whether it is the end of the film.
    """
    found = []
    for gap in gaps:
        start, end = max(Fraction(0), gap.start - by), gap.start + gap.seconds - by
        if end < 0 or (end == 0 and gap.seconds) or (start >= length and not last):
            continue
        end = end if last else min(end, length)
        found.append(gap.model_copy(update={"start": start, "seconds": end - start}))
    return tuple(found)
