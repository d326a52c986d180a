"""Items: pointers to tasks, for orchestrators that carry little state from one step to the next.

An item names its task and says where the task's segments stand in the plan's segment list. Its size does not grow with
the length of the source, and whoever runs it reads only those lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamify.jobs.fanout import SegmentList, audio_key, audio_task, missing_pieces, video_key, video_task
from streamify.model.base import Frozen
from streamify.model.plan import Plan, Segment
from streamify.model.task import AudioTask, VideoTask
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.schedule import Group
from streamify.storage.base import Storage


class Item(Frozen):
    """A pointer to one task."""

    key: str
    """Of the task."""
    tracks: tuple[int, ...]
    """Indices into the plan's tracks: renditions made from one decode, or one audio track."""
    at: int
    """Where the task's segments begin in the segment list, bytes."""
    length: int
    """Of their lines, bytes."""


def items(plan: Plan, media: Storage, done: set[tuple[str, int]], group_below: int = 0) -> Iterator[Item]:
    """Yield an item for every task that is missing: audio first, then segment by segment, dearest rendition first.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        done: (track, segment) of everything that exists.
        group_below: Renditions whose shorter side is below this, pixels, share one decode and one item a segment; all
            others have an item of their own.
    """
    segments = SegmentList(plan, media)
    try:
        for number, track in enumerate(plan.tracks):
            if isinstance(track, AudioTrack):
                for first, stop in missing_pieces(plan, track, done):
                    at, length = segments.where(first, stop)
                    yield Item(key=audio_key(track, first), tracks=(number,), at=at, length=length)
        groups = group_renditions(plan.video, group_below)
        for index in range(plan.segments):
            at, length = segments.where(index, index + 1)
            for group in groups:
                missing = tuple(number for number in group if (plan.video[number].id, index) not in done)
                if missing:
                    yield Item(key=video_key(plan, index, missing), tracks=missing, at=at, length=length)
    finally:
        segments.close()


def group_renditions(video: Sequence[VideoTrack], below: int) -> tuple[tuple[int, ...], ...]:
    """Return the renditions that share an item, as indices in ladder order."""
    small = tuple(number for number, track in enumerate(video) if min(track.width, track.height) < below)
    alone = tuple((number,) for number in range(len(video)) if number not in small)
    return (*alone, small) if small else alone


def task_of(item: Item, plan: Plan, media: Storage, threads: int = 1) -> VideoTask | AudioTask:
    """Read what an item points at; return its task.

    Args:
        item: Made by `items` for the same plan.
        plan: Of the job.
        media: Rooted at DEST.
        threads: That encode video.
    """
    with media.open(plan.segment_list) as file:
        file.seek(item.at)
        lines = file.read(item.length).splitlines()
    segments = [Segment.from_json(line) for line in lines]
    track = plan.tracks[item.tracks[0]]
    if isinstance(track, AudioTrack):
        return audio_task(plan, track, segments)
    return video_task(plan, segments[0], Group(segments[0].index, item.tracks, threads))
