"""The real worker loop round one task that plans a mutant and transcodes a piece of it, all in memory.

Started by its path as the `command` of a local executor, which has the limits and the watch of every job.
"""

from __future__ import annotations

from streamify.executors.local.worker import main
from streamify.jobs.work import audio_task, missing_pieces, video_task
from streamify.model.plan import Plan, Segment
from streamify.model.progress import OnProgress
from streamify.model.result import CheckResult, Result, SplitResult
from streamify.model.task import SplitTask, Task
from streamify.planning.schedule import Group
from streamify.storage.base import Stores
from streamify.tasks.run import run_task


def run(task: Task, stores: Stores, progress: OnProgress | None = None) -> Result:
    """Plan a source, and make the first and the last segment of its smallest rendition and the start of its sound."""
    assert isinstance(task, SplitTask)
    run_task(task.model_copy(update={"facts_only": True, "write": False}), stores)
    split = run_task(task, stores)
    assert isinstance(split, SplitResult)
    plan = Plan.from_json(split.plan)
    data = stores.media.get(plan.segment_list)
    assert data is not None
    segments = [Segment.from_json(line) for line in data.splitlines()]
    for index in sorted({0, len(segments) - 1} if plan.video else ()):
        run_task(video_task(plan, segments[index], Group(index, (len(plan.video) - 1,))), stores)
    for track in plan.audio[:2]:
        first, stop = next(missing_pieces(plan, track, ()))
        run_task(audio_task(plan, track, segments[first : min(stop, first + 3)]), stores)
    return CheckResult(key=task.key, faults=(), frames=len(segments))


if __name__ == "__main__":
    main(run)
