"""The grid of a source whose pictures come at any time: its own ticks, and pictures that stand through pauses. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import lcm
from operator import sub

from streamify.model.plan import Repeats, Timeline
from streamify.planning.grid import MAX_RATE, Window, opening_steps, place_of_step, steps_of

MAX_DURATION = (1 << 31) - 1
"""Most ticks that one picture may last in the files that FFmpeg writes."""
COARSE_TIMESCALE = 90_000
"""Ticks per second where the source's would be too many."""

MAX_REORDER_GAP = Fraction(1, 20)
"""Seconds. Pictures further apart than this are never reordered across the gap, which bounds the reorder delay.

FFmpeg's own player of segments takes a decode time that is 0.1 s behind the picture on the screen for a discontinuity,
and moves all times (``pkt_dts + AV_TIME_BASE/10`` in ffmpeg 5.1's process_input): twice this must not be more.
"""

LEAST_FIELDS = 8
"""Ticks between pictures below which the time of a later field would be too rough."""

LEAST_STAND = 1
"""Seconds that a picture is shown at least before it is shown again inside a segment."""


def variable_timeline(
    *,
    pts: Sequence[int],
    end: int,
    time_base: Fraction,
    longest: Fraction,
    lead: Fraction = Fraction(0),
    tail: Fraction = Fraction(0),
    fields: int = 1,
    opening: tuple[int, ...] = (),
    origin: int | None = None,
) -> Timeline:
    """Return the timeline of a variable-rate source: the source's own ticks, counted from the first picture.

    Where one picture would last more ticks than a sample's duration can hold (nanoseconds: 2.1 s), they are coarser;
    where two fields of a picture are too few ticks apart, finer.

    Args:
        pts: All pictures, source ticks.
        end: End of the last one, source ticks.
        time_base: Seconds per source tick.
        longest: Seconds that one picture may stand before it is shown again; see `longest_stand`.
        lead: Seconds for which the first picture is shown before its time.
        tail: Seconds for which the last one stands on.
        fields: Output pictures for each of the source.
        opening: IDR steps of the segments at the start; see `variable_opening`.
        origin: Source tick with which the stream begins, where the first picture has been there for longer.
    """
    origin = pts[0] if origin is None else origin
    timescale, unit = time_base.denominator, time_base.numerator
    widest = max(max(map(sub, islice(pts, 1, None), pts), default=1), end - pts[-1]) * unit
    if min(Fraction(widest), longest * timescale) > MAX_DURATION:
        timescale = COARSE_TIMESCALE
        widest = round(widest * Fraction(timescale, time_base.denominator))
    usual = _usual(pts) * time_base if fields > 1 else Fraction(0)
    if fields > 1 and usual * timescale < LEAST_FIELDS:
        timescale = COARSE_TIMESCALE
        widest = round(widest * Fraction(timescale, time_base.denominator))
    if fields > 1 and min(map(sub, islice(pts, 1, None), pts), default=2) * time_base * timescale < 2:
        timescale, widest = 2 * timescale, 2 * widest  # a later field needs a tick of its own
    min_gap = timescale // (MAX_RATE + 5) if _fast(pts, end, time_base) else 0
    before = -(-lead * timescale // 1)
    length = round((end - origin) * time_base * timescale)
    return Timeline(
        time_base=time_base,
        origin=origin,
        lead=int(before),
        timescale=timescale,
        frame_duration=None,
        fields=1 if min_gap else fields,
        field=0 if min_gap else int(usual * timescale / fields),
        min_gap=min_gap,
        opening=opening,
        reorder=2 * max(1, min(widest + min_gap, int(MAX_REORDER_GAP * timescale))),
        end=int(before) + length + int(-(-tail * timescale // 1)),
    )


def _usual(pts: Sequence[int]) -> int:
    gaps = sorted(map(sub, islice(pts, 1, None), pts))
    return gaps[len(gaps) // 2] if gaps else 0


def _fast(pts: Sequence[int], end: int, time_base: Fraction) -> bool:
    """Whether more than `MAX_RATE` pictures are shown in any second, or in a film that is shorter at that rate."""
    if len(pts) <= MAX_RATE + 1:
        return len(pts) > (MAX_RATE + Fraction(1, 10)) * (end - pts[0]) * time_base
    second = -(-time_base.denominator // time_base.numerator)  # whole ticks: to compare with fractions takes long
    least: int = min(map(sub, islice(pts, MAX_RATE + 1, None), pts))
    return least < second


def variable_opening(segment_seconds: Fraction, keyframe_seconds: Fraction) -> tuple[int, ...]:
    """Return the IDR steps of the segments that a stream opens with, where the first ones are shorter."""
    steps = steps_of(segment_seconds, keyframe_seconds)
    return opening_steps(steps, segment_seconds / steps)


def longest_stand(segment_seconds: Fraction, keyframe_seconds: Fraction) -> Fraction:
    """Return a bound of how long a picture is shown before it is shown again, seconds."""
    step = segment_seconds / steps_of(segment_seconds, keyframe_seconds)
    return segment_seconds + 2 * _stride(step) * step


def _stride(step: Fraction) -> int:
    return max(1, int(-(-LEAST_STAND // step)))


def variable_windows(
    pts: Sequence[int], timeline: Timeline, segment_seconds: Fraction, keyframe_seconds: Fraction
) -> Iterator[Window]:
    """Yield the segments of a variable-rate source: each starts at the first picture at or after a nominal boundary.

    A segment is divided into IDR steps; the first picture of each is an IDR. Where none comes within the first step of
    a segment, the segment starts at the boundary with the picture that stands, shown again. In a pause that is longer
    than a segment, so do all steps.
    """
    for index, (steps, following) in enumerate(_runs(_marks(pts, timeline, segment_seconds, keyframe_seconds))):
        mark = steps[0]
        after = following.at if following is not None else len(pts)
        frames = after - mark.at
        yield Window(
            index=index,
            start=mark.tick,
            end=following.tick if following is not None else timeline.end,
            source_start=mark.source,
            source_end=following.source if following is not None else None,
            frames=frames,
            first=pts[mark.at] if frames else None,
            next=pts[after] if after < len(pts) else None,
            keyframes=tuple(one.tick for one in steps[1:]),
            held=pts[max(0, mark.at - 1)] if mark.repeat else None,
            repeats=tuple(Repeats(start=one.tick) for one in steps if one.repeat),
        )


@dataclass(frozen=True)
class _Mark:
    """An IDR picture."""

    at: int
    """Number of the first picture at or after it."""
    source: int
    """When it is shown, source ticks."""
    tick: int
    """The same, output ticks."""
    repeat: bool
    """Whether it is a picture that is shown again."""
    border: bool
    """Whether a segment starts with it."""


def _runs(marks: Iterable[_Mark]) -> Iterator[tuple[list[_Mark], _Mark | None]]:
    """Yield the IDR pictures of each segment, and the first one of the next; no more is looked at than is asked for."""
    run: list[_Mark] = []
    for mark in marks:
        if mark.border and run:
            yield run, mark
            run = []
        run.append(mark)
    if run:
        yield run, None


def _marks(
    pts: Sequence[int], timeline: Timeline, segment_seconds: Fraction, keyframe_seconds: Fraction
) -> Iterator[_Mark]:
    """Yield the IDR pictures, in order."""
    steps = steps_of(segment_seconds, keyframe_seconds)
    seconds = segment_seconds / steps
    # In parts of a source tick, so that all are whole numbers: fractions of 1,800 steps an hour take 40 ms (2026-11).
    exact = seconds / timeline.time_base
    begin = timeline.origin - Fraction(timeline.lead, timeline.timescale) / timeline.time_base
    stop = begin + Fraction(timeline.end, timeline.timescale) / timeline.time_base
    parts = lcm(exact.denominator, begin.denominator, stop.denominator)
    step, base, end = (int(one * parts) for one in (exact, begin, stop))
    shown = timeline.variable_ticks
    stride, number, owed = _stride(seconds), 0, False
    while (border := base + number * step) < end:
        source, (place, length) = -(-border // parts), place_of_step(number, timeline.opening, steps)
        at = bisect_left(pts, source)
        owed = owed or not place
        # A whole group of steps must be empty, and end before the film does.
        group = base + (number + min(stride, length - place)) * step
        empty = (at == len(pts) or pts[at] * parts >= group) and group <= end and place % stride == 0
        if empty and place:
            pause = (pts[at] * parts if at < len(pts) else end) - (pts[at - 1] * parts if at else base)
            empty = pause > steps * step
        if (
            number == 0 and pts[0] * parts < base and not timeline.lead
        ):  # it has been there since before the stream begins
            yield _Mark(0, pts[0], 0, False, True)
            owed = False
        elif empty or (number == 0 and timeline.lead):
            tick = -(-number * seconds * timeline.timescale // 1)
            least = shown(pts[at - 1]) + 1 if at else 0  # rounding must not put it at the picture before it
            yield _Mark(at, source, max(tick, least), True, owed)
            owed = False
        elif at < len(pts) and pts[at] * parts < border + step:
            yield _Mark(at, pts[at], shown(pts[at]), False, owed)
            owed = False
        number += 1
