"""The first segment of a stream that somebody waits for: it is made while the film is still being planned."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import NamedTuple

from streamify.dest.layout import (
    INIT,
    PLAN,
    REPORT,
    init_key,
    ledger_key,
    segment_key,
    segment_name,
    streamify_track_of,
    track_folder,
)
from streamify.executors.base import Executor, TaskFuture
from streamify.executors.events import EventDelivery
from streamify.jobs.engine import Keep, Stop, completed
from streamify.jobs.work import video_task
from streamify.model.plan import Plan, Segment
from streamify.model.result import Beginning
from streamify.model.task import VideoTask
from streamify.planning.agenda import DEMANDED, foreseen
from streamify.planning.schedule import Group
from streamify.storage.base import Storage
from streamify.storage.saved import parse_line


class Begun(NamedTuple):
    """A task that was submitted."""

    task: VideoTask
    future: TaskFuture


class EarlyStart:
    """Submits the task of the first segment as soon as split tells of it, and takes it back where the plan is another.

    Args:
        executor: Runs it.
        media: Rooted at DEST.
        stop: Ends the wait for it.
        events: Of the job.
        keep: Receives its attempts.
    """

    def __init__(self, executor: Executor, media: Storage, stop: Stop, events: EventDelivery, keep: Keep) -> None:
        self._executor, self._media, self._stop, self._events, self._keep = executor, media, stop, events, keep
        self._begun: Begun | None = None

    def take(self, beginning: Beginning) -> None:
        """Take the beginning of the film; of several attempts at the split, the first one's. Does not wait."""
        task = _first_task(beginning.plan, beginning.segment)
        if self._begun is None and task is not None:
            self._begun = Begun(task, self._executor.submit(task))
            self._begun.future.follow(self._keep)

    def settle(self, plan: Plan | None) -> Begun | None:
        """Return the task if it is one of the plan; otherwise wait for its end and remove what it made.

        The plan is written to DEST last: where this is cut short, the next run finds none and removes the segment
        (`remove_begun`).

        Args:
            plan: Of the source; ``None``: it cannot be used.

        Raises:
            Interrupted: The job was stopped.
        """
        begun, self._begun = self._begun, None
        good = begun is not None and plan is not None and self._is_of(begun.task, plan)
        if begun is not None and not good:
            self._take_back(begun)
        if plan is not None:
            self._media.put(PLAN, plan.to_json())
        return begun if good else None

    def _is_of(self, task: VideoTask, plan: Plan) -> bool:
        return task == _first_task(plan, _first_segment(plan, self._media))

    def _take_back(self, begun: Begun) -> None:
        with suppress(CancelledError):  # of an executor that runs nothing any more
            for _ in completed(
                self._executor, iter(()), self._stop, self._events, begun={begun.future: begun.task.key}
            ):
                pass
        for track in begun.task.renditions:
            _remove_first(track.id, track.folder, self._media)


def remove_begun(media: Storage) -> None:
    """Remove what an early start left whose run ended before the segment was compared with a plan.

    It may be cut otherwise than the plan says, and nothing else in the ledger tells. Where there is neither plan nor
    report, that is any video track of which no segment exists but the first. Only for a run that holds DEST alone.
    """
    if media.stat(PLAN) is not None or media.stat(REPORT) is not None:
        return
    files = defaultdict[str, set[str]](set)
    for entry in media.list("video"):
        if (track := streamify_track_of(entry.key)) is not None:
            files[track].add(entry.key.rsplit("/", 1)[-1])
    for track, names in files.items():
        if names <= {INIT, segment_name(0)}:
            _remove_first(track, track_folder("video", track), media)


def _remove_first(track: str, folder: str, media: Storage) -> None:
    for key in (ledger_key(track, 0), segment_key(folder, 0), init_key(folder)):
        media.delete(key)


def _first_task(plan: Plan, segment: Segment) -> VideoTask | None:
    """Return the task of what the first viewer will ask for."""
    wanted = {track for track, _ in foreseen(plan.video, ())}
    number = next((number for number, track in enumerate(plan.video) if track.id in wanted), None)
    if number is None:
        return None
    task = video_task(plan, segment, Group(0, (number,), threads=2))
    return task.model_copy(update={"priority": DEMANDED})


def _first_segment(plan: Plan, media: Storage) -> Segment:
    with media.open(plan.segment_list) as file:
        return parse_line(Segment, file.readline(), plan.segment_list)
