"""Items: pointers to tasks, for orchestrators that carry little state from one step to the next.

An item names its task and says where the task's segments stand in the plan's segment list. Its size does not grow with
the length of the source, and whoever runs it reads only those lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamify.jobs.segments import SegmentList
from streamify.jobs.words import TEXT, text_task, text_tasks
from streamify.jobs.work import audio_key, audio_task, missing_pieces, missing_renditions, video_key, video_task
from streamify.model.base import Frozen
from streamify.model.plan import Plan, Segment
from streamify.model.task import AudioTask, TextTask, VideoTask
from streamify.model.track import AudioTrack
from streamify.planning.schedule import Group, Groups, each_alone, opened, spread
from streamify.storage.base import Storage, sha256
from streamify.storage.saved import damaged, parse_line


class Item(Frozen):
    """A pointer to one task."""

    key: str
    """Of the task."""
    tracks: tuple[int, ...]
    """Indices into the plan's tracks: renditions made from one decode, or one audio track; none of subtitles."""
    at: int
    """Where the task's segments begin in the segment list, bytes."""
    length: int
    """Of their lines, bytes."""
    digest: str = ""
    """Of those lines: the start of their SHA-256, hex. Who runs the task does not read the rest of the list."""
    seconds: float | None = None
    """That the task is predicted to take where it runs; ``None``: nobody predicted."""
    function: int = 0
    """Which worker runs it, where there are several kinds: 0 is the smallest."""


OPENING_SECONDS = 10
"""Length of what comes first of a stream that is published while it is made: two segments and more."""


def items(
    plan: Plan,
    media: Storage,
    done: set[tuple[str, int]],
    groups: Groups | None = None,
    *,
    early: bool = False,
) -> Iterator[Item]:
    """Yield an item for every task that is missing: audio first, then segment by segment, dearest rendition first.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        done: (track, segment) of everything that exists.
        groups: Renditions that share one decode and one item a segment, see `streamify.planning.schedule.Groups`;
            ``None``: each has an item of its own.
        early: What viewers need first comes first: the sound and the smallest rendition of the beginning, which has an
            item of its own there.
    """
    segments = SegmentList(plan, media)
    try:
        opening = opening_segments(plan, segments) if early else 0
        missing, chosen = missing_renditions(plan, done), groups or each_alone(plan.video)
        pieces = [(number, track, *piece) for number, track in enumerate(plan.tracks) if isinstance(track, AudioTrack)
                  for piece in missing_pieces(plan, track, done)]  # fmt: skip
        for number, track, first, stop in pieces:
            if first < opening:
                yield _item(audio_key(track, first), (number,), segments, first, stop)
        for group in opened(missing, chosen, opening):
            yield _video_item(plan, group, segments)
        for number, track, first, stop in pieces:
            if first >= opening:
                yield _item(audio_key(track, first), (number,), segments, first, stop)
        yield from (Item(key=task.key, tracks=(), at=0, length=0) for task in text_tasks(plan, media))
        for group in spread(missing, chosen, opening):
            yield _video_item(plan, group, segments)
    finally:
        segments.close()


def opening_segments(plan: Plan, segments: SegmentList) -> int:
    """Return how many segments begin in the first seconds."""
    most = OPENING_SECONDS * plan.timeline.timescale
    return next((index for index, start in enumerate(segments.starts()) if start >= most), plan.segments)


def _video_item(plan: Plan, group: Group, segments: SegmentList) -> Item:
    key = video_key(plan, group.segment, group.renditions)
    return _item(key, group.renditions, segments, group.segment, group.segment + 1)


def _item(key: str, tracks: tuple[int, ...], segments: SegmentList, first: int, stop: int) -> Item:
    at, length = segments.where(first, stop)
    return Item(key=key, tracks=tracks, at=at, length=length, digest=_digest(segments.read(first, stop)))


def _digest(lines: bytes) -> str:
    return sha256(lines)[:16]


def task_of(item: Item, plan: Plan, media: Storage, threads: int = 1) -> VideoTask | AudioTask | TextTask:
    """Read what an item points at; return its task.

    Args:
        item: Made by `items` for the same plan.
        plan: Of the job.
        media: Rooted at DEST.
        threads: That encode video.

    Raises:
        DestinationError: ``state-damaged``, the lines are not those that the item was made for.
    """
    if item.key.startswith(f"{TEXT}/"):
        return text_task(plan, item.key)
    with media.open(plan.segment_list) as file:
        file.seek(item.at)
        lines = file.read(item.length)
    if item.digest and _digest(lines) != item.digest:
        raise damaged(f"{plan.segment_list} at DEST", "it was changed since this run was planned")
    segments = [parse_line(Segment, line, plan.segment_list) for line in lines.splitlines()]
    track = plan.tracks[item.tracks[0]]
    if isinstance(track, AudioTrack):
        return audio_task(plan, track, segments)
    return video_task(plan, segments[0], Group(segments[0].index, item.tracks, threads))
