"""The grid: where segments and IDR pictures begin. One grid for all renditions, a function of source and settings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from operator import sub

from streamify.model.plan import Timeline

MAX_RATE = 60
"""Frames per second; HLS authoring rule 1.19."""

MAX_DURATION = (1 << 31) - 1
"""Most ticks that one picture may last in the files that FFmpeg writes."""
COARSE_TIMESCALE = 90_000
"""Ticks per second where the source's would be too many."""

MAX_REORDER_GAP = Fraction(1, 4)
"""Seconds. Pictures further apart than this are never reordered across the gap, which bounds the reorder delay."""


@dataclass(frozen=True)
class Window:
    """One segment on both timelines, before anyone knows where its bytes are. Names as in `model.plan.Segment`."""

    index: int
    start: int
    end: int
    source_start: int
    source_end: int | None
    frames: int
    first: int
    next: int | None
    keyframes: tuple[int, ...] = ()


def constant_timeline(
    *,
    rate: Fraction,
    time_base: Fraction,
    origin: int,
    frames: int,
    segment_seconds: Fraction,
    keyframe_seconds: Fraction,
) -> tuple[Timeline, int]:
    """Return the timeline of a constant-rate source and the frames per segment.

    A segment is a whole number of IDR steps of whole frames: at 30000/1001 frames per second, 6 s are 180 frames
    in three steps of 60. Sources above 60 frames per second keep every n-th picture.

    Args:
        rate: Frames per second of the source.
        time_base: Seconds per source tick.
        origin: First picture, source ticks.
        frames: Pictures of the source.
        segment_seconds: Nominal segment length, seconds.
        keyframe_seconds: Longest distance of IDR pictures, seconds.
    """
    keep_every = max(1, -(-rate // (MAX_RATE + Fraction(1, 10))))
    kept_rate = rate / keep_every
    steps, step_frames = idr_steps(kept_rate, segment_seconds, keyframe_seconds)
    kept = -(-frames // keep_every)
    duration = kept_rate.denominator
    timeline = Timeline(
        time_base=time_base,
        origin=origin,
        timescale=kept_rate.numerator,
        frame_duration=duration,
        keep_every=int(keep_every),
        keyframe_frames=step_frames,
        reorder=2 * duration,
        end=kept * duration,
    )
    return timeline, steps * step_frames


def idr_steps(rate: Fraction, segment_seconds: Fraction, keyframe_seconds: Fraction) -> tuple[int, int]:
    """Return IDR steps per segment and frames per step; both at least 1."""
    steps = steps_of(segment_seconds, keyframe_seconds)
    frames = round(segment_seconds * rate / steps)
    while steps > 1 and frames < 1:
        steps -= 1
        frames = round(segment_seconds * rate / steps)
    return steps, max(1, frames)


def steps_of(segment_seconds: Fraction, keyframe_seconds: Fraction) -> int:
    """Return into how many equal steps of at most `keyframe_seconds` a segment is divided."""
    return max(1, int(-(-segment_seconds // keyframe_seconds)))


def keyframe_ticks(timeline: Timeline, start: int, end: int, variable: tuple[int, ...]) -> frozenset[int]:
    """Return the output ticks of all IDR pictures of a segment, its first included."""
    if timeline.frame_duration is None or timeline.keyframe_frames is None:
        return frozenset((start, *variable))
    return frozenset(range(start, end, timeline.frame_duration * timeline.keyframe_frames))


def constant_windows(pts: Sequence[int], timeline: Timeline, segment_frames: int) -> Iterator[Window]:
    """Yield the segments of a constant-rate source, `segment_frames` kept pictures each."""
    assert timeline.frame_duration is not None
    step = segment_frames * timeline.keep_every
    for index, at in enumerate(range(0, len(pts), step)):
        after = at + step
        last = after >= len(pts)
        start = index * segment_frames * timeline.frame_duration
        yield Window(
            index=index,
            start=start,
            end=timeline.end if last else start + segment_frames * timeline.frame_duration,
            source_start=pts[at],
            source_end=None if last else pts[after],
            frames=min(after, len(pts)) - at,
            first=pts[at],
            next=None if last else pts[after],
        )


def variable_timeline(*, pts: Sequence[int], end: int, time_base: Fraction) -> Timeline:
    """Return the timeline of a variable-rate source: the source's own ticks, counted from the first picture.

    A pause of more ticks than a sample's duration can hold (nanoseconds: 2.1 s) makes them coarser.
    """
    timescale = time_base.denominator
    unit = time_base.numerator
    gaps = map(sub, islice(pts, 1, None), pts)
    widest = max(max(gaps, default=1), end - pts[-1]) * unit
    if widest > MAX_DURATION:
        return _coarser(pts, end, time_base)
    fast = any(gap * unit < timescale for gap in map(sub, islice(pts, MAX_RATE + 1, None), pts))
    min_gap = timescale // (MAX_RATE + 5) if fast else 0
    reorder = 2 * max(1, min(widest + min_gap, int(MAX_REORDER_GAP * timescale)))
    return Timeline(
        time_base=time_base,
        origin=pts[0],
        timescale=timescale,
        frame_duration=None,
        min_gap=min_gap,
        reorder=reorder,
        end=(end - pts[0]) * unit,
    )


def _coarser(pts: Sequence[int], end: int, time_base: Fraction) -> Timeline:
    scaled = Fraction(time_base.denominator, COARSE_TIMESCALE) / time_base.numerator
    ticks = [round((time - pts[0]) / scaled) for time in (*pts, end)]
    timeline = variable_timeline(pts=ticks[:-1], end=ticks[-1], time_base=Fraction(1, COARSE_TIMESCALE))
    return timeline.model_copy(update={"time_base": time_base, "origin": pts[0]})


def variable_windows(
    pts: Sequence[int], timeline: Timeline, segment_seconds: Fraction, keyframe_seconds: Fraction
) -> Iterator[Window]:
    """Yield the segments of a variable-rate source: each starts at the first picture at or after a nominal boundary.

    A nominal segment without a picture of its own is part of the one before it.
    """
    steps = steps_of(segment_seconds, keyframe_seconds)
    ticks = segment_seconds / timeline.time_base  # source ticks
    shown = timeline.variable_ticks
    starts = _firsts(pts, timeline.origin, ticks)
    for index, at in enumerate(starts):
        after = starts[index + 1] if index + 1 < len(starts) else len(pts)
        last = after == len(pts)
        nominal = timeline.origin + ((pts[at] - timeline.origin) // ticks) * ticks
        wanted = (bisect_left(pts, nominal + step * ticks / steps, at, after) for step in range(1, steps))
        yield Window(
            index=index,
            start=shown(pts[at]),
            end=timeline.end if last else shown(pts[after]),
            source_start=pts[at],
            source_end=None if last else pts[after],
            frames=after - at,
            first=pts[at],
            next=None if last else pts[after],
            keyframes=tuple(sorted({shown(pts[i]) for i in wanted if at < i < after})),
        )


def _firsts(pts: Sequence[int], origin: int, ticks: Fraction) -> list[int]:
    starts = [0]
    while True:
        passed = (pts[starts[-1]] - origin) // ticks
        at = bisect_left(pts, origin + (passed + 1) * ticks, starts[-1])
        if at >= len(pts):
            return starts
        starts.append(at)
