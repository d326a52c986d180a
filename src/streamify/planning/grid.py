"""The grid: where segments and IDR pictures begin. One grid for all renditions, a function of source and settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from streamify.model.plan import Repeats, Timeline

MAX_RATE = 60
"""Frames per second; HLS authoring rule 1.19."""


PADDING = Fraction(1, 5)
"""Seconds of sound that do not ask for another frame: codecs fill up their last frame with silence."""
UNHEARD = Fraction(1, 50)
"""Seconds of sound that may be left out at both ends of a film without being named."""


@dataclass(frozen=True)
class Window:
    """One segment on both timelines, before anyone knows where its bytes are. Names as in `model.plan.Segment`."""

    index: int
    start: int
    end: int
    source_start: int
    source_end: int | None
    frames: int
    first: int | None
    next: int | None
    keyframes: tuple[int, ...] = ()
    held: int | None = None
    repeats: tuple[Repeats, ...] = ()


def constant_timeline(
    *,
    rate: Fraction,
    time_base: Fraction,
    origin: int,
    frames: int,
    segment_seconds: Fraction,
    keyframe_seconds: Fraction,
    lead: Fraction = Fraction(0),
    tail: Fraction = Fraction(0),
    fields: int = 1,
    short_start: bool = False,
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
        lead: Seconds for which the first picture is shown before its time, rounded to whole frames; less than half a
            frame and than `PADDING` asks for none.
        tail: Seconds for which the last picture stands on; likewise.
        fields: Output pictures for each of the source.
        short_start: Whether the first segments are shorter: see `opening_steps`.
    """
    keep_every = max(1, -(-rate // (MAX_RATE + Fraction(1, 10))))
    kept_rate = rate / keep_every
    steps, step_frames = idr_steps(kept_rate, segment_seconds, keyframe_seconds)
    kept = -(-frames // keep_every)
    slack = min(1 / kept_rate / 2, PADDING)
    before, after = (max(0, -((slack - seconds) * kept_rate // 1)) for seconds in (lead, tail))
    shown_rate = kept_rate * fields
    duration = shown_rate.denominator
    timeline = Timeline(
        time_base=time_base,
        origin=origin,
        lead=int(before) * fields * duration,
        timescale=shown_rate.numerator,
        frame_duration=duration,
        fields=fields,
        field=duration if fields > 1 else 0,
        keep_every=int(keep_every),
        keyframe_frames=step_frames * fields,
        opening=opening_steps(steps, step_frames / kept_rate) if short_start else (),
        reorder=2 * duration,
        end=int(before + kept + after) * fields * duration,
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


LEAST_SEGMENT = 1
"""Seconds of the shortest segment that a stream opens with."""


def opening_steps(steps: int, step: Fraction) -> tuple[int, ...]:
    """Return the IDR steps of the segments that a stream opens with: the fewest, then twice as many each time.

    A viewer who waits for the first segment then waits for the encoding of a part of one: of 2 s, where segments are
    6 s. Whole ones follow as soon as twice as many steps would make one.

    Args:
        steps: Of all other segments.
        step: Length of one, seconds.
    """
    found, count = [], max(1, int(-(-LEAST_SEGMENT // step)))
    while count < steps:
        found.append(count)
        count *= 2
    return tuple(found)


def place_of_step(number: int, opening: Sequence[int], steps: int) -> tuple[int, int]:
    """Return which step of its segment an IDR step is, from 0, and how many that segment has.

    Args:
        number: Of the step in the stream, from 0.
        opening: Steps of the segments that the stream opens with.
        steps: Of all other segments.
    """
    for length in opening:
        if number < length:
            return number, length
        number -= length
    return number % steps, steps


def keyframe_ticks(timeline: Timeline, start: int, end: int, variable: tuple[int, ...]) -> frozenset[int]:
    """Return the output ticks of all IDR pictures of a segment, its first included."""
    if timeline.frame_duration is None or timeline.keyframe_frames is None:
        return frozenset((start, *variable))
    return frozenset(range(start, end, timeline.frame_duration * timeline.keyframe_frames))


def constant_windows(pts: Sequence[int], timeline: Timeline, segment_frames: int, end: int) -> Iterator[Window]:
    """Yield the segments of a constant-rate source: whole frames each.

    Args:
        pts: All pictures, source ticks.
        timeline: From `constant_timeline`.
        segment_frames: From `constant_timeline`, of all segments but those at the start that are shorter.
        end: End of the last picture, source ticks.
    """
    assert timeline.frame_duration is not None
    frame = timeline.frame_duration * timeline.fields
    every, total, lead = timeline.keep_every, timeline.end // frame, timeline.lead // frame
    kept = -(-len(pts) // every)
    starts = list(_starts(timeline, segment_frames, total))
    for index, (start, stop) in enumerate(pairwise([*starts, total])):
        first, behind = (min(max(0, one - lead), kept) for one in (start, stop))
        at, after = first * every, min(behind * every, len(pts))
        yield Window(
            index=index,
            start=start * frame,
            end=stop * frame,
            source_start=pts[at] if at < len(pts) else end,
            source_end=None if stop == total else pts[after] if after < len(pts) else end,
            frames=max(0, after - at),
            first=pts[at] if at < after else None,
            next=pts[after] if after < len(pts) else None,
            held=pts[0] if start < lead else pts[(kept - 1) * every] if first == kept else None,
            repeats=tuple(
                Repeats(start=begin * frame, count=count, step=frame)
                for begin, count in ((start, min(stop, lead) - start), _span(start, stop, lead + kept))
                if count > 0
            ),
        )


def _starts(timeline: Timeline, segment_frames: int, total: int) -> Iterator[int]:
    """Yield where segments start, pictures of the source that are kept."""
    start = 0
    for steps in timeline.opening:
        if start < total:
            yield start
        start += steps * (timeline.keyframe_frames or 1) // timeline.fields
    yield from range(start, total, segment_frames)


def _span(start: int, stop: int, least: int) -> tuple[int, int]:
    begin = max(start, least)
    return begin, stop - begin
