"""The first segment of a stream that somebody waits for: it is made while the film is still being planned."""

from __future__ import annotations

from typing import NamedTuple

from streamify.dest.layout import init_key, ledger_key, segment_key
from streamify.executors.base import Executor, TaskFuture
from streamify.jobs.engine import Keep
from streamify.jobs.work import video_task
from streamify.model.plan import Plan, Segment
from streamify.model.result import Beginning
from streamify.model.task import VideoTask
from streamify.planning.agenda import DEMANDED, foreseen
from streamify.planning.schedule import Group
from streamify.storage.base import Storage


class Begun(NamedTuple):
    """A task that was submitted."""

    task: VideoTask
    future: TaskFuture


class EarlyStart:
    """Submits the task of the first segment as soon as split tells of it, and takes it back where the plan is another.

    Args:
        executor: Runs it.
        media: Rooted at DEST.
        keep: Receives its attempts.
    """

    def __init__(self, executor: Executor, media: Storage, keep: Keep) -> None:
        self._executor, self._media, self._keep = executor, media, keep
        self._begun: Begun | None = None

    def take(self, beginning: Beginning) -> None:
        """Take the beginning of the film; of several attempts at the split, the first one's. Does not wait."""
        task = _first_task(beginning.plan, beginning.segment)
        if self._begun is None and task is not None:
            self._begun = Begun(task, self._executor.submit(task))
            self._begun.future.follow(self._keep)

    def settle(self, plan: Plan | None) -> Begun | None:
        """Return the task if it is one of the plan; otherwise wait for its end and remove what it made.

        Args:
            plan: That is at DEST; ``None``: the source cannot be used.
        """
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        if plan is not None and begun.task == _first_task(plan, _first_segment(plan, self._media)):
            return begun
        begun.future.exception()
        folders = {track.id: track.folder for track in begun.task.renditions}
        for track, folder in folders.items():
            for key in (ledger_key(track, 0), segment_key(folder, 0), init_key(folder)):
                self._media.delete(key)
        return None


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
        return Segment.from_json(file.readline())
