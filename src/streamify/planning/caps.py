"""What a source may ask for at most, by the settings and by `model.limits`: refused before a plan is made. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from operator import sub

from streamify.errors import CapExceeded
from streamify.model.limits import SEGMENTS
from streamify.model.plan import Timeline
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceFacts


def refuse_pauses(facts: SourceFacts, pts: Sequence[int], settings: MediaSettings) -> None:
    """Refuse a video whose picture stands for longer than the settings allow before another one follows.

    Args:
        facts: Of the source.
        pts: Presentation times of its pictures in order, source ticks.
        settings: Of the job.

    Raises:
        CapExceeded: ``source-pause-too-long``.
    """
    video = facts.video
    if video is None:
        return
    place, pause = longest_pause(pts)
    seconds = pause * video.time_base
    if seconds > settings.max_pause:
        at = float((pts[place] - pts[0]) * video.time_base)
        raise CapExceeded(
            "source-pause-too-long",
            f"{facts.ref.key}: the picture at {at:.3f} s stands for {_length(seconds)}; "
            f"the cap is {_length(settings.max_pause)}",
            "check its timestamps; if the pause is meant, raise --max-pause",
        )


def longest_pause(pts: Sequence[int]) -> tuple[int, int]:
    """Return the picture that stands longest before another follows, and for how many ticks."""
    if isinstance(pts, range):
        return 0, pts.step if len(pts) > 1 else 0
    gaps = list(map(sub, islice(pts, 1, None), pts))
    longest = max(gaps, default=0)
    return (gaps.index(longest), longest) if gaps else (0, 0)


def refuse_length(facts: SourceFacts, timeline: Timeline, settings: MediaSettings) -> None:
    """Refuse a stream that is longer, or has more segments, than the settings and limits allow.

    Raises:
        CapExceeded: ``source-too-long`` or ``too-many-segments``.
    """
    seconds, cap = Fraction(timeline.end, timeline.timescale), settings.max_duration
    if seconds > cap:
        raise CapExceeded(
            "source-too-long",
            f"{facts.ref.key}: the stream would be {_length(seconds)} long; the cap is {_length(cap)}",
            "if the length is right, raise --max-duration",
        )
    count = int(seconds / settings.segment_seconds) + len(timeline.opening)
    if count > SEGMENTS:
        raise CapExceeded(
            "too-many-segments",
            f"{facts.ref.key}: {count} segments of {float(settings.segment_seconds):g} s; the limit is {SEGMENTS}",
            "choose longer --segment-seconds, or cut the source into parts",
        )


def _length(seconds: Fraction) -> str:
    """Return a length for people: hours where it has some."""
    if seconds < 7200:
        return f"{float(seconds):,.0f} s"
    return f"{float(seconds) / 3600:,.1f} h"
