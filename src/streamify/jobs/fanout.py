"""Fan-out: what is missing, as tasks, and what came of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from streamify.dest.layout import TRACK_FOLDERS, init_key, ledger_key, segment_key, segment_list_key
from streamify.errors import Failure
from streamify.executors.base import Executor, TaskError
from streamify.executors.events import EventDelivery
from streamify.jobs.engine import Stop, completed
from streamify.model.attempt import Attempt
from streamify.model.event import Event
from streamify.model.plan import Plan, Segment
from streamify.model.task import SPLIT, AudioTask, MediaResult, SegmentRecord, Task, VideoTask
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.audio import cuts
from streamify.planning.budget import AUDIO_PRIORITY, audio_budget, video_budget
from streamify.planning.schedule import Group, schedule
from streamify.storage.base import Storage, Stores
from streamify.storage.saved import damaged, parse_saved


@dataclass
class Outcome:
    """What a fan-out did."""

    made: int = 0
    """Segments x tracks."""
    cpu_seconds: float = 0
    failures: list[Failure] = field(default_factory=list)


class SegmentList:
    """The plan's segments, one line each; only where the lines start is held in memory.

    Raises:
        DestinationError: ``state-damaged``, the list is not the one that the plan names by its hash.
    """

    def __init__(self, plan: Plan, media: Storage) -> None:
        self._file = media.open(plan.segment_list)
        self._starts = [0]
        digest = hashlib.sha256()
        while line := self._file.readline():
            digest.update(line)
            self._starts.append(self._starts[-1] + len(line))
        if segment_list_key(digest.hexdigest()) != plan.segment_list or len(self) != plan.segments:
            self._file.close()
            raise damaged(f"{plan.segment_list} at DEST", "its content is not what its name says")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> Segment:
        start, end = self._starts[index : index + 2]
        self._file.seek(start)
        return Segment.from_json(self._file.read(end - start))

    def __iter__(self) -> Iterator[Segment]:
        return (self[index] for index in range(len(self)))

    def where(self, first: int, stop: int) -> tuple[int, int]:
        """Return where the lines of segments ``first`` to ``stop`` (exclusive) begin, and their length; bytes."""
        return self._starts[first], self._starts[stop] - self._starts[first]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True)
class Found:
    """What earlier runs left at DEST."""

    done: set[tuple[str, int]]
    """(track, segment) of everything that exists: a ledger entry and a media file of the size it names."""
    damaged: tuple[str, ...]
    """Keys of media files whose ledger entry names another size: what is made again could not take their place."""
    unreadable: int = 0
    """Ledger entries that are damaged or of an earlier schema: their segments are made again."""


def survey(plan: Plan, media: Storage, *, newer: Literal["refuse", "ignore"] = "refuse") -> Found:
    """Look at what exists, with one listing.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        newer: What becomes of ledger entries of a newer schema: see `streamify.storage.saved.parse_saved`.
    """
    sizes = {one.key: one.size for folder in TRACK_FOLDERS for one in media.list(folder)}

    def there() -> Iterator[tuple[VideoTrack | AudioTrack, int, str]]:
        for track in plan.tracks:
            for index in range(plan.segments):
                key = segment_key(track.folder, index)
                if key in sizes:
                    yield track, index, key

    done, damaged_files, unreadable = set(), [], 0
    entries = media.get_many(ledger_key(track.id, index) for track, index, _ in there())
    for (track, index, key), entry in zip(there(), entries, strict=True):
        record = parse_saved(SegmentRecord, entry, newer=newer) if entry is not None else None
        if record is None:
            unreadable += entry is not None
        elif record.media.size != sizes[key]:
            damaged_files.append(key)
        elif init_key(track.folder) in sizes:
            done.add((track.id, index))
    return Found(done, tuple(damaged_files), unreadable)


def read_records(media: Storage, wanted: Iterable[tuple[str, int]]) -> Iterator[SegmentRecord | None]:
    """Yield the ledger entry of each (track, segment), in their order; ``None``: there is none that can be read."""
    return map(_record, media.get_many(ledger_key(*one) for one in wanted))


def _record(data: bytes | None) -> SegmentRecord | None:
    if data is None:
        return None
    return parse_saved(SegmentRecord, data)  # None: the segment is made again and its entry overwritten


def fan_out(
    plan: Plan,
    stores: Stores,
    executor: Executor,
    done: set[tuple[str, int]],
    events: EventDelivery,
    stop: Stop | None,
    keep: Callable[[Iterable[Attempt]], None] = lambda _: None,
) -> Outcome:
    """Run every task that is missing; go on after failures, so that all of them are named.

    Args:
        plan: Of the job.
        stores: Of the job.
        executor: Runs the tasks.
        done: (track, segment) of everything that exists.
        events: Receives ``segment.finished``.
        stop: Ends it early.
        keep: Receives the attempts at each task, once it has ended.

    Raises:
        Interrupted: `stop` was set.
        TaskError: The storage cannot be written any more (exit code 5): going on would fail everywhere.
    """
    outcome = Outcome()
    names = {track.id: track.name if track.kind == "video" else "audio" for track in plan.tracks}
    segments = SegmentList(plan, stores.media)
    try:
        tasks = _tasks(plan, segments, done, width_of(executor, plan))
        for key, result, attempts in completed(executor, tasks, stop, events):
            keep(attempts)
            if isinstance(result, TaskError):
                if result.exit_code == 5:
                    raise result
                outcome.failures.append(result.failure)
                continue
            assert isinstance(result, MediaResult)
            for record in result.records:
                outcome.made += 1
                spent = record.cost.decode + record.cost.scale + record.cost.encode + record.cost.other
                outcome.cpu_seconds += spent
                events(
                    Event(
                        time=time.time(),
                        kind="segment.finished",
                        task=key,
                        data={
                            "track": record.track,
                            "name": names[record.track],
                            "segment": record.segment,
                            "bytes": record.media.size,
                            "cpu_seconds": spent,
                        },
                    )
                )
    finally:
        segments.close()
    return outcome


def width_of(executor: Executor, plan: Plan) -> int:
    """Return how many segments of a plan an executor transcodes at the same moment."""
    if plan.source.video is None or not plan.video:
        return executor.capacity
    return executor.width(video_budget(0, plan.source.video, plan.video))


def _tasks(plan: Plan, segments: SegmentList, done: set[tuple[str, int]], workers: int) -> Iterator[Task]:
    for track in plan.audio:
        yield from _audio_tasks(plan, track, segments, done)
    missing = [
        (index, tuple(number for number, track in enumerate(plan.video) if (track.id, index) not in done))
        for index in range(plan.segments)
    ]
    for group in schedule([one for one in missing if one[1]], workers, lambda index: segments[index].weight):
        yield video_task(plan, segments[group.segment], group)


def video_key(plan: Plan, segment: int, renditions: Sequence[int]) -> str:
    """Return the key of the task of one segment and some renditions (indices into the ladder)."""
    return f"video/{segment:05d}/" + ",".join(plan.video[number].name for number in renditions)


def audio_key(track: AudioTrack, first: int) -> str:
    """Return the key of the task of the piece that starts with segment `first`."""
    return f"audio/{track.id}/{first:05d}"


def video_task(plan: Plan, segment: Segment, group: Group) -> VideoTask:
    """Return the task of one segment and some renditions."""
    assert plan.source.video is not None
    renditions = tuple(plan.video[number] for number in group.renditions)
    seconds = (segment.end - segment.start) / plan.timeline.timescale
    return VideoTask(
        key=video_key(plan, segment.index, group.renditions),
        source=plan.source.ref,
        access=plan.source.access,
        video=plan.source.video,
        timeline=plan.timeline,
        segment=segment.model_copy(update={"audio": ()}),
        renditions=renditions,
        threads=group.threads,
        needs=(SPLIT,),
        budget=video_budget(seconds, plan.source.video, renditions, group.threads),
    )


def _audio_tasks(
    plan: Plan, track: AudioTrack, segments: SegmentList, done: set[tuple[str, int]]
) -> Iterator[AudioTask]:
    for first, stop in missing_pieces(plan, track, done):
        yield audio_task(plan, track, [segments[index] for index in range(first, stop)])


def missing_pieces(plan: Plan, track: AudioTrack, done: set[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """Yield the first segment and the one after the last of each piece that is not there as a whole."""
    size = track.piece_segments or plan.segments
    for first in range(0, plan.segments, size):
        stop = min(first + size, plan.segments)
        if any((track.id, index) not in done for index in range(first, stop)):
            yield first, stop


def audio_task(plan: Plan, track: AudioTrack, segments: Sequence[Segment]) -> AudioTask:
    """Return the task of one piece: a run of segments of an audio track."""
    first = segments[0]
    seconds = (segments[-1].end - first.start) / plan.timeline.timescale
    return AudioTask(
        key=audio_key(track, first.index),
        source=plan.source.ref,
        track=track,
        first_segment=first.index,
        cuts=segment_cuts(plan, track, [one.start for one in segments] + [segments[-1].end], first.index),
        slice=next((one for one in first.audio if one.stream == track.stream), None),
        breaks=plan.source.breaks,
        needs=(SPLIT,),
        budget=audio_budget(seconds, track),
        priority=AUDIO_PRIORITY,
    )


def segment_cuts(plan: Plan, track: AudioTrack, borders: Sequence[int], first: int = 0) -> tuple[int, ...]:
    """Return the borders of audio segments in access units of the track.

    Args:
        plan: Of the job.
        track: The audio track.
        borders: Starts of the segments and the end of the last, output ticks.
        first: Index of the first segment.
    """
    return cuts(
        borders,
        plan.timeline.timescale,
        track.recipe,
        at_start=first == 0,
        at_end=first + len(borders) - 1 == plan.segments,
    )
