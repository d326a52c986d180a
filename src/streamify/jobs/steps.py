"""The three steps of a job - split, task, assemble - for orchestrators that call them one by one, anywhere.

All that passes between them lies in the media storage; what an orchestrator carries are pointers of constant size.
Every step may be called again, and at the same moment as itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal

from streamify.dest.layout import PLAN, REPORT, run_failure_key, run_failures, run_items_key, run_plan_key
from streamify.errors import TaskFailure, TasksFailed
from streamify.jobs.assemble import assemble
from streamify.jobs.fanout import survey
from streamify.jobs.items import Item, items, task_of
from streamify.jobs.locations import check_dest
from streamify.jobs.state import earlier_plan, known_tracks, make_report, remove_others
from streamify.model.base import Frozen
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import MediaResult, SplitResult, SplitTask
from streamify.storage.base import Storage, Stores
from streamify.storage.locate import StoreLocations
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task


class Run(Frozen):
    """One run of a job."""

    id: str
    """Unique among all runs at this DEST; letters, digits, ``-`` and ``_``."""
    places: StoreLocations
    source: SourceRef
    settings: Settings
    began: float
    """Seconds since the epoch."""


class Prepared(Frozen):
    """What split leaves for the next steps."""

    items: str
    """Key below DEST of the item list, one JSON value a line."""
    count: int
    """Of items."""
    total: int
    """Segments x tracks of the stream."""
    reused: int
    """Of them, how many were there."""


class Failure(Frozen):
    """A task of a run that failed for good."""

    key: str
    code: str
    cause: str
    hint: str = ""
    exit_code: int
    attempts: int = 1
    log: str = ""


def split_step(run: Run, group_below: int = 0, max_scan: int | None = None) -> Prepared:
    """Plan the source, or take over the plan that lies at DEST; write the list of what is missing.

    Raises:
        SourceError, UsageError, DestinationError: As `streamify.tasks.run.run_task`.
    """
    stores = run.places.open()
    check_dest(run.places.media, replace=run.settings.replace)
    plan = earlier_plan(stores.media, run.source, run.settings, str(run.places.media)).plan
    if plan is None:
        result = run_task(SplitTask(source=run.source, settings=run.settings.media(), max_scan=max_scan), stores)
        assert isinstance(result, SplitResult)
        plan = Plan.from_json(result.plan)
    found = survey(plan, stores.media)
    for key in found.damaged:
        stores.media.delete(key)
    chosen = list(items(plan, stores.media, found.done, group_below))
    # A plan of its own for every run: an earlier one that was ended may still write the one that they share.
    stores.media.put(run_plan_key(run.id), plan.to_json())
    key = run_items_key(run.id)
    stores.media.put(key, b"".join(item.to_json() + b"\n" for item in chosen))
    total = plan.segments * len(plan.tracks)
    return Prepared(items=key, count=len(chosen), total=total, reused=len(found.done))


def task_step(run: Run, item: Item, threads: int = 1) -> MediaResult:
    """Run the task that an item points at.

    Raises:
        SourceError, UsageError, DestinationError: As `streamify.tasks.run.run_task`.
    """
    stores, plan = _opened(run.places, run.id)
    result = run_task(task_of(item, plan, stores.media, threads), stores)
    assert isinstance(result, MediaResult)
    return result


@lru_cache(maxsize=4)
def _opened(places: StoreLocations, run: str) -> tuple[Stores, Plan]:
    """Return the stores and the plan of a run, which never change: a worker takes hundreds of its items.

    Opening two stores takes 20 ms of CPU time, and connections that are kept save their handshakes.
    """
    stores = places.open()
    return stores, _plan(run, stores.media)


def record_failure(run: Run, failure: Failure) -> None:
    """Note that a task failed for good, for `assemble_step` to name it."""
    media = run.places.open().media
    media.put(run_failure_key(run.id, failure.key), failure.to_json())


def assemble_step(
    run: Run, prepared: Prepared, workers: int, *, engine: Literal["aws"], hold: Callable[[], None]
) -> Report:
    """Check the certificate and write manifests and report.

    Args:
        run: The run.
        prepared: What split left.
        workers: The most tasks that ran at once.
        engine: That ran them.
        hold: Called before anything is published or removed; raises where another run holds DEST by now.

    Raises:
        TasksFailed: Tasks of this run failed; each is listed.
        VerificationFailed: Something is missing or does not fit.
    """
    media = run.places.open().media
    failures = failures_of(run.id, media)
    if failures:
        raise TasksFailed(failures, "what succeeded is kept: resume the job to retry the rest")
    plan = _plan(run.id, media)
    made = assemble(plan, media, hold)
    report = make_report(
        plan,
        made,
        engine=engine,
        workers=workers,
        run=prepared.total - prepared.reused,
        reused=prepared.reused,
        wall=time.time() - run.began,
        cpu=sum(track.cpu_seconds for track in made.tracks),
    )
    before = known_tracks(media)
    hold()
    media.put(PLAN, plan.to_json())
    media.put(REPORT, report.to_json())
    if run.settings.replace:
        hold()
        remove_others(plan, media, before)
    return report


def failed_keys(run: str, media: Storage) -> list[str]:
    """Return the keys, below DEST, of what is noted of the tasks that failed in a run; with one listing."""
    return sorted(one.key for one in media.list(run_failures(run)))


def read_failures(keys: Iterable[str], media: Storage) -> tuple[TaskFailure, ...]:
    """Return what `failed_keys` found."""
    return tuple(_failure(data) for data in media.get_many(keys) if data is not None)


def failures_of(run: str, media: Storage) -> tuple[TaskFailure, ...]:
    """Return the tasks of a run that failed for good."""
    return read_failures(failed_keys(run, media), media)


def _failure(data: bytes) -> TaskFailure:
    one = Failure.from_json(data)
    return TaskFailure(one.key, one.code, one.cause, one.attempts, one.log, one.hint)


def _plan(run: str, media: Storage) -> Plan:
    plan = read_plan(media, run_plan_key(run))
    if plan is None:
        raise AssertionError("split writes the plan before any other step runs")
    return plan
