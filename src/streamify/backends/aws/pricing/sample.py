"""Short windows of a film, really transcoded by worker processes of this machine: what its pictures cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from streamify.executors.base import Executor, TaskError
from streamify.executors.events import EventDelivery
from streamify.jobs.engine import Stop, completed
from streamify.jobs.segments import SegmentList
from streamify.jobs.work import video_task
from streamify.model.plan import Plan, Repeats, Segment, Timeline
from streamify.model.result import MediaResult, SegmentRecord
from streamify.model.task import VideoTask
from streamify.planning.schedule import Group, Groups
from streamify.planning.speed import Speed, from_sample, from_table

WINDOWS = 4
"""Parts of the film that are looked at, spread evenly over it; each begins with a segment."""
SECONDS = Fraction(4)
"""Of all windows together, whatever the length of the film.

Encoding a picture took the same time in windows of 0.25 to 6 s, within noise (medium and veryfast, 2026-11).
"""


def measure(plan: Plan, segments: SegmentList, executor: Executor, groups: Groups, stop: Stop | None = None) -> Speed:
    """Transcode the windows, each rendition as the stack will; return what the parts of a task take.

    Args:
        plan: Of the film.
        segments: All of them.
        executor: Has a single worker: tasks run one at a time. Its media storage takes what is made.
        groups: See `streamify.jobs.items.items`.
        stop: Ends it early.

    Raises:
        SourceError: A window cannot be decoded.
        Interrupted: `stop` was set.
    """
    if not plan.video:
        return from_table(plan)
    done: list[tuple[SegmentRecord, ...]] = []
    tasks = _tasks(plan, segments, groups)
    for _, result in completed(executor, tasks, stop, EventDelivery(None)):
        if isinstance(result, TaskError):
            raise result.as_raised() from result
        assert isinstance(result, MediaResult)
        done.append(result.records)
    return from_sample(plan, done)


def _tasks(plan: Plan, segments: SegmentList, groups: Groups) -> Iterator[VideoTask]:
    count = min(WINDOWS, len(segments))
    for number in range(count):
        segment = segments[(2 * number + 1) * len(segments) // (2 * count)]
        segment = shorten(segment, plan.timeline, SECONDS / count)
        for group in groups:
            yield video_task(plan, segment, Group(segment.index, group))


def shorten(segment: Segment, timeline: Timeline, seconds: Fraction) -> Segment:
    """Return the first `seconds` of a segment, whole pictures; all of it where it is not longer."""
    length = int(seconds * timeline.timescale)
    if segment.end - segment.start <= length:
        return segment
    if timeline.frame_duration is not None:
        length = max(1, length // timeline.frame_duration) * timeline.frame_duration
    # Half a picture early, so that rounded timestamps fall on the right side.
    half = (timeline.frame_duration or 0) / 2
    begin = segment.first
    if segment.held is not None or begin is None:
        begin = timeline.origin + int((segment.start - timeline.lead) / timeline.timescale / timeline.time_base)
    until = begin + int((length - half) / timeline.timescale / timeline.time_base)
    share = Fraction(length, segment.end - segment.start)
    return segment.model_copy(
        update={
            "end": segment.start + length,
            "source_end": until,
            "frames": max(min(1, segment.frames), int(segment.frames * share)),
            "repeats": tuple(_within(segment.repeats, segment.start + length)),
            "next": until,
            "keyframes": tuple(item for item in segment.keyframes if item < segment.start + length),
            "audio": (),
        }
    )


def _within(repeats: Sequence[Repeats], end: int) -> Iterator[Repeats]:
    for one in repeats:
        count = len(range(one.start, min(end, one.ticks.stop), one.step))
        if count > 0:
            yield one.model_copy(update={"count": count})
