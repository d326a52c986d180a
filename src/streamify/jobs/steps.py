"""The steps of a job for orchestrators that call them one by one, anywhere: split, task, assemble.

All that passes between them is in the media storage; what an orchestrator carries are pointers of constant size.
Every step may be called again, and at the same moment as itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from streamify.dest.layout import run_items_key, run_plan_key
from streamify.errors import DestinationError, StreamifyError
from streamify.executors.attempt import begun, failed, failure_of, finished
from streamify.executors.base import OnEvent
from streamify.executors.wire import Done
from streamify.jobs import run as steps
from streamify.jobs.attempts import write_attempt
from streamify.jobs.cost import count_by_track, share_done
from streamify.jobs.failures import error_of, failures_of
from streamify.jobs.hold_base import Hold
from streamify.jobs.images import image_tasks
from streamify.jobs.items import Item, items, task_of
from streamify.jobs.loudness import loudness_tasks, settle
from streamify.jobs.record import RunLog, read_run
from streamify.jobs.report import RunTotals
from streamify.jobs.tell import no_event, teller
from streamify.machine.usage import peak_bytes, resident_bytes
from streamify.model.attempt import Attempt, Usage
from streamify.model.base import Frozen
from streamify.model.job import RunRecord
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import MediaResult, Result, SplitResult, SplitTask, Task, TextResult
from streamify.planning.budget import split_budget
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


def split_step(
    run: Run, group_below: int = 0, max_scan: int | None = None, on_event: OnEvent = no_event, worker: str = ""
) -> Prepared:
    """Plan the source, or take over the plan that is at DEST; write the list of what is missing.

    Args:
        run: The run.
        group_below: As of `streamify.jobs.items.items`.
        max_scan: As of `SplitTask`.
        on_event: Receives notes.
        worker: What runs it, for the record of the attempt.

    Raises:
        SourceError, UsageError, DestinationError: As `streamify.tasks.run.run_task`.
    """
    stores, tell = run.places.open(), teller(on_event)
    old = steps.find_plan(stores.media, run.source, run.settings, run.places.media)
    if old.why:
        tell("note", f"planned anew: {old.why}", {})
    plan = old.plan
    if plan is None:
        budget = split_budget(run.source.size)
        task = SplitTask(source=run.source, settings=run.settings.media(), max_scan=max_scan, budget=budget)
        with _kept(run, stores.media, task.key, worker) as done:
            result = run_task(task, stores)
            done(result)
        assert isinstance(result, SplitResult)
        plan = Plan.from_json(result.plan)
    # Here: a gain is known only when all of it was heard.
    _run_all(run, stores, loudness_tasks(plan, stores.media), worker)
    settle(plan, stores.media)
    present = steps.survey_dest(plan, stores.media, run.settings, tell).done
    chosen = list(items(plan, stores.media, present, group_below))
    # A plan of its own for every run: an earlier one that was ended may still write the one that they share.
    stores.media.put(run_plan_key(run.id), plan.to_json())
    key = run_items_key(run.id)
    stores.media.put(key, b"".join(item.to_json() + b"\n" for item in chosen))
    total = plan.segments * len(plan.tracks)
    _log(run, stores.media).update(
        total=total,
        reused=len(present),
        reused_share=share_done(plan, count_by_track(present)),
        began_tasks=time.time(),
    )
    return Prepared(items=key, count=len(chosen), total=total, reused=len(present))


def task_step(run: Run, item: Item, worker: str, number: int = 1, threads: int = 1) -> MediaResult | TextResult:
    """Run the task that an item points at; keep the attempt.

    Args:
        run: The run.
        item: Of its list.
        worker: What runs it, for the record of the attempt.
        number: Of the attempt; 1 is the first.
        threads: That encode video.

    Raises:
        SourceError, UsageError, DestinationError: As `streamify.tasks.run.run_task`.
    """
    stores, plan = _opened(run.places, run.id)
    with _kept(run, stores.media, item.key, worker, number) as done:
        result = run_task(task_of(item, plan, stores.media, threads), stores)
        done(result)
    assert isinstance(result, MediaResult | TextResult)
    return result


def _run_all(run: Run, stores: Stores, tasks: Iterator[Task], worker: str) -> None:
    """Run tasks whose results are in the media storage, one after another; keep their attempts."""
    for task in tasks:
        with _kept(run, stores.media, task.key, worker) as done:
            done(run_task(task, stores))


@contextmanager
def _kept(run: Run, media: Storage, key: str, worker: str, number: int = 1) -> Iterator[Callable[[Result], None]]:
    """Keep the attempt at a task that is run inside; what is given takes its result."""
    this, clock, cpu = begun(key, number, worker, time.time()), time.monotonic(), time.process_time()

    def reply(end: Callable[[Usage], Attempt]) -> None:
        resident, peak = resident_bytes(), peak_bytes()
        usage = Usage(
            seconds=time.monotonic() - clock,
            cpu_seconds=time.process_time() - cpu,
            peak_bytes=max(resident, peak),
            resident_bytes=resident,
        )
        write_attempt(media, run.id, end(usage))

    try:
        yield lambda result: reply(lambda usage: finished(this, Done(result=result, usage=usage)))
    except StreamifyError as error:
        failure, again = failure_of(key, error), error.transient
        reply(lambda usage: failed(this, failure, again=again, usage=usage))
        raise


@lru_cache(maxsize=4)
def _opened(places: StoreLocations, run: str) -> tuple[Stores, Plan]:
    """Return the stores and the plan of a run, which never change: a worker takes hundreds of its items.

    Opening two stores takes 20 ms of CPU time, and connections that are kept save their handshakes.
    """
    stores = places.open()
    return stores, _plan(run, stores.media)


def assemble_step(
    run: Run, prepared: Prepared, workers: int, hold: Hold, on_event: OnEvent = no_event, worker: str = ""
) -> Report:
    """Check the certificate, make the images, and write manifests and report.

    Args:
        run: The run.
        prepared: What split left.
        workers: The most tasks that ran at once.
        hold: Of DEST.
        on_event: Receives notes.
        worker: What runs it, for the record of attempts at images.

    Raises:
        TasksFailed: Tasks of this run failed; each is listed.
        SourceError: ``source-changed``, they found another source than it was planned for, or none.
        VerificationFailed: Something is missing or does not fit.
        DestinationError: ``dest-taken``, another run holds DEST by now.
    """
    stores = run.places.open()
    media = stores.media
    try:
        failures = failures_of(run.id, media)
        if failures:
            raise error_of(failures, "what succeeded is kept: resume the job to retry the rest")
        plan = _plan(run.id, media)

        def totals(cpu: float) -> RunTotals:
            made = prepared.total - prepared.reused
            return RunTotals(run.settings.engine, workers, made, prepared.reused, time.time() - run.began, cpu)

        def make_images() -> None:
            _run_all(run, stores, image_tasks(plan, media), worker)

        report = steps.finish(plan, media, run.settings, teller(on_event), totals, hold, make_images)
    except StreamifyError as error:
        if not (isinstance(error, DestinationError) and error.code == "dest-taken"):
            fields = {"ended": time.time(), "outcome": "failed", "error": f"{error.message[:2000]} [{error.code}]"}
            _log(run, media).update(workers=workers, **fields)
        raise
    _log(run, media).update(workers=workers, ended=time.time(), outcome="complete")
    return report


def _log(run: Run, media: Storage) -> RunLog:
    """Return the log of a run, as the step before left it."""
    fresh = RunRecord(id=run.id, engine=run.settings.engine, started=run.began)
    return RunLog(media, read_run(media, run.id) or fresh)


def _plan(run: str, media: Storage) -> Plan:
    plan = read_plan(media, run_plan_key(run))
    if plan is None:
        raise AssertionError("split writes the plan before any other step runs")
    return plan
