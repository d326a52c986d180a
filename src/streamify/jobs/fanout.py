"""Fan-out: what is missing, as tasks, and what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from streamify.dest.layout import ledger_key
from streamify.errors import Failure
from streamify.executors.base import Executor, TaskError
from streamify.executors.events import EventDelivery
from streamify.jobs.agenda import Agenda
from streamify.jobs.beginning import Begun
from streamify.jobs.demands import Demands
from streamify.jobs.early_images import EarlyImages
from streamify.jobs.engine import Keep, Stop, completed
from streamify.jobs.images import IMAGE
from streamify.jobs.segments import SegmentList
from streamify.jobs.words import text_tasks
from streamify.model.attempt import Attempt
from streamify.model.event import Event
from streamify.model.plan import Plan
from streamify.model.result import ImageResult, MediaResult, TextResult
from streamify.model.task import Task
from streamify.planning.budget import video_budget
from streamify.planning.lead import OPENING
from streamify.storage.base import Storage, Stores


@dataclass
class Outcome:
    """What a fan-out did."""

    made: int = 0
    """Segments x tracks."""
    cpu_seconds: float = 0
    stragglers: int = 0
    """Tasks that were begun a second time elsewhere."""
    more_memory: int = 0
    """Attempts that asked for more memory, because it had run out in earlier ones."""
    failures: list[Failure] = field(default_factory=list)


class First(NamedTuple):
    """A task without which nothing can be watched."""

    task: Task
    done: Callable[[], None]
    """Called once it is."""


def fan_out(
    plan: Plan,
    segments: SegmentList,
    stores: Stores,
    executor: Executor,
    done: set[tuple[str, int]],
    events: EventDelivery,
    stop: Stop | None,
    keep: Keep = lambda _: None,
    demands: Demands | None = None,
    made: Callable[[MediaResult | TextResult], None] | None = None,
    first: First | None = None,
    begun: Begun | None = None,
    imaged: Callable[[], None] | None = None,
    poster: bool = True,
) -> Outcome:
    """Run every task that is missing; go on after failures, so that all of them are named.

    Args:
        plan: Of the job.
        segments: Of the plan.
        stores: Of the job.
        executor: Runs the tasks.
        done: (track, segment) of everything that exists.
        events: Receives ``segment.finished``.
        stop: Ends it early.
        keep: Receives every attempt; see `completed`.
        demands: Of viewers, whose segments are made before all others.
        made: Receives what each task made, of a stream that is published while it is made; what its first viewers need
            is then made first.
        first: Goes before all of them, and beside them.
        begun: Makes the first segment, and was submitted before.
        imaged: Called once there is another image, of a stream whose images are made while it is; those that fail are
            left to its end.
        poster: Whether a poster is one of them.

    Raises:
        Interrupted: `stop` was set.
        StreamifyError: `first` failed.
        TaskError: The storage cannot be written any more (exit code 5): going on would fail everywhere.
    """
    outcome = Outcome()

    def keep_one(attempt: Attempt) -> None:
        if attempt.outcome == "running":
            outcome.stragglers += attempt.second
            outcome.more_memory += attempt.more_memory is not None
        keep(attempt)

    names = {track.id: track.name if track.kind == "video" else "audio" for track in plan.tracks}
    agenda = Agenda(
        plan, segments, done, width_of(executor, plan), demands or Demands(), early=made is not None,
        first=first.task if first is not None else None, begun=begun.task if begun is not None else None,
        exists=lambda wanted: stores.media.stat(ledger_key(*wanted)) is not None,
    )  # fmt: skip
    opening = min(executor.capacity, 1 + len(plan.audio))
    images = _early_images(plan, segments.borders, stores.media, done, poster) if imaged is not None else None
    tasks = _with_words(agenda.rest(), text_tasks(plan, stores.media), opening)
    tasks = with_images(tasks, images) if images is not None else tasks
    before = {begun.future: begun.task.key} if begun is not None else {}
    for key, result in completed(executor, tasks, stop, events, agenda, keep_one, before):
        if first is not None and key == first.task.key:
            if isinstance(result, TaskError):
                raise result.as_raised() from result
            first.done()
            continue
        if isinstance(result, TaskError):
            if result.exit_code == 5 and result.code != "segment-gone":
                raise result
            if key.startswith(IMAGE):
                continue
            agenda.failed(key, result.as_raised())
            outcome.failures.append(result.failure)
            continue
        if isinstance(result, ImageResult):
            if images is not None and imaged is not None:
                images.made(result)
                imaged()
            continue
        if isinstance(result, TextResult):
            if made is not None:
                made(result)
            outcome.cpu_seconds += sum(record.cpu_seconds for record in result.records)
            continue
        assert isinstance(result, MediaResult)
        agenda.made(result)
        if images is not None:
            images.made(result)
        if made is not None:
            made(result)
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
    return outcome


def _with_words(tasks: Iterator[Task], words: Iterator[Task], ahead: int) -> Iterator[Task]:
    """Yield the tasks of words behind the first ones of pictures and sound, for which viewers wait.

    They take little, and go ahead of all others: who begins to watch has the words that the stream will have.
    """
    yield from islice(tasks, ahead)
    yield from (task.model_copy(update={"priority": OPENING}) for task in words)
    yield from tasks


def _early_images(
    plan: Plan, borders: Sequence[int], media: Storage, done: set[tuple[str, int]], poster: bool
) -> EarlyImages | None:
    """Return what gives out images of a stream with pictures while it is made."""
    if plan.storyboard is None and plan.poster is None:
        return None
    return EarlyImages(plan, media, borders, done, poster=poster)


def with_images(tasks: Iterator[Task], images: EarlyImages) -> Iterator[Task]:
    """Yield tasks, and before each the images that can be made by then.

    A task is yielded as soon as it is taken: from then on the agenda counts it as given out.
    """
    yield from images.tasks()
    for task in tasks:
        yield task
        yield from images.tasks()


def width_of(executor: Executor, plan: Plan) -> int:
    """Return how many segments of a plan an executor transcodes at the same moment."""
    if plan.source.video is None or not plan.video:
        return executor.capacity
    return executor.width(video_budget(0, plan.source.video, plan.video))
