"""The steps of a job for orchestrators that call them one by one, anywhere: split, task, assemble.

All that passes between them is in the media storage; what an orchestrator carries are pointers of constant size.
Every step may be called again, and at the same moment as itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

from streamify.dest.layout import run_items_key, run_plan_key
from streamify.errors import DestinationError, StreamifyError
from streamify.executors.attempt import attempt, begun, failed, finished, real_run
from streamify.executors.base import OnEvent, TaskError
from streamify.executors.wire import Done, Failed
from streamify.jobs import run as steps
from streamify.jobs.attempts import read_attempts, write_attempt
from streamify.jobs.cost import count_by_track, share_done
from streamify.jobs.early import withdrawing
from streamify.jobs.failures import error_of, failures_of
from streamify.jobs.hold_base import Hold
from streamify.jobs.images import image_tasks
from streamify.jobs.items import Item, items, task_of
from streamify.jobs.loudness import loudness_tasks, settle
from streamify.jobs.record import RunLog, read_run
from streamify.jobs.report import RunTotals
from streamify.jobs.tell import no_event, teller
from streamify.jobs.trusted import refuse_foreign
from streamify.model.attempt import Attempt
from streamify.model.base import Frozen
from streamify.model.job import RunRecord
from streamify.model.plan import Plan
from streamify.model.report import CostReport, Report
from streamify.model.result import MediaResult, Result, SplitResult, TextResult
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import SplitTask, Task
from streamify.planning.budget import split_budget
from streamify.planning.schedule import Groups
from streamify.storage.base import Storage, Stores
from streamify.storage.locate import StoreLocations
from streamify.tasks.plan_file import read_plan

Foresee = Callable[[Plan, Storage, Sequence[Item]], tuple[Sequence[Item], "Forecast"]]
"""Looks at what is to be made before it is written down: refuses it, or adds what it will take."""
Grouping = Callable[[Plan], Groups]
"""Says which renditions of a plan are made from one decode."""
Charge = Callable[[Sequence[Attempt]], float]
"""Returns what attempts cost, US dollars."""
Carry = Callable[[str, Task, Stores], Done | Failed]
"""Runs a task of a run, whose id comes first, wherever it likes."""


def in_process(run: str, task: Task, stores: Stores) -> Done | Failed:  # noqa: ARG001 - here all runs are alike
    """Run a task in this process: a `Carry` for sources that are trusted."""
    return attempt(task, stores, real_run())


class Run(Frozen):
    """One run of a job."""

    id: str
    """Unique among all runs at this DEST; letters, digits, ``-`` and ``_``."""
    places: StoreLocations
    source: SourceRef
    settings: Settings
    began: float
    """Seconds since the epoch."""


class Forecast(Frozen):
    """What a job is predicted to cost, US dollars at list prices."""

    total: float
    storage: float
    """Of them, for requests to the object store."""


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
    forecast: Forecast | None = None
    """``None`` where nobody predicted."""


def split_step(
    run: Run,
    grouping: Grouping | None = None,
    max_scan: int | None = None,
    on_event: OnEvent = no_event,
    worker: str = "",
    carry: Carry = in_process,
    foresee: Foresee | None = None,
    *,
    early: bool = False,
) -> Prepared:
    """Plan the source, or take over the plan that is at DEST; write the list of what is missing.

    Args:
        run: The run.
        grouping: Says which renditions share an item; ``None``: none does.
        max_scan: As of `SplitTask`.
        on_event: Receives notes.
        worker: What runs it, for the record of the attempt.
        carry: Runs what opens the source.
        foresee: Is given all items.
        early: Whether the stream is published while it is made.

    Raises:
        SourceError, UsageError, DestinationError: As `streamify.tasks.run.run_task`.
        TaskError: A worker was lost.
    """
    stores, tell = run.places.open(), teller(on_event)
    old = steps.find_plan(stores.media, run.source, run.settings, run.places.media, alone=True)  # by its claim
    if old.why:
        tell("note", f"planned anew: {old.why}", {})
    plan = old.plan
    if plan is None:
        budget = split_budget(run.source.size, burns=run.settings.burn_in is not None)
        task = SplitTask(source=run.source, settings=run.settings.media(), max_scan=max_scan, budget=budget)
        result = _carried(run, task, stores, carry, worker)
        assert isinstance(result, SplitResult)
        plan = Plan.from_json(result.plan)
    refuse_foreign(plan, run.source)
    # Here: a gain is known only when all of it was heard.
    for loudness in loudness_tasks(plan, stores.media):
        _carried(run, loudness, stores, carry, worker)
    settle(plan, stores.media)
    present = steps.survey_dest(plan, stores.media, run.settings, tell).done
    groups = grouping(plan) if grouping is not None else None
    chosen: Sequence[Item] = list(items(plan, stores.media, present, groups, early=early))
    forecast = None
    if foresee is not None:
        chosen, forecast = foresee(plan, stores.media, chosen)
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
    return Prepared(items=key, count=len(chosen), total=total, reused=len(present), forecast=forecast)


def task_step(
    run: Run,
    item: Item,
    worker: str,
    number: int = 1,
    threads: int = 1,
    carry: Carry = in_process,
    memory: int | None = None,
) -> MediaResult | TextResult:
    """Run the task that an item points at; keep the attempt.

    Args:
        run: The run.
        item: Of its list.
        worker: What runs it, for the record of the attempt.
        number: Of the attempt; 1 is the first.
        threads: That encode video.
        carry: Runs the task.
        memory: Of the function that runs it, MB.

    Raises:
        SourceError, UsageError, DestinationError: As `streamify.tasks.run.run_task`.
        TaskError: The worker was lost.
    """
    stores, plan = _opened(run)
    result = _carried(run, task_of(item, plan, stores.media, threads), stores, carry, worker, number, memory)
    assert isinstance(result, MediaResult | TextResult)
    return result


def _carried(
    run: Run, task: Task, stores: Stores, carry: Carry, worker: str, number: int = 1, memory: int | None = None
) -> Result:
    """Have a task run; keep the attempt."""
    this = begun(task.key, number, worker, time.time()).model_copy(update={"memory": memory})
    reply = carry(run.id, task, stores)
    if isinstance(reply, Done):
        write_attempt(stores.media, run.id, finished(this, reply))
        return reply.result
    failure = reply.failure
    write_attempt(stores.media, run.id, failed(this, failure, again=failure.transient, usage=reply.usage))
    raise TaskError(failure).as_raised()


@lru_cache(maxsize=1)
def _opened(run: Run) -> tuple[Stores, Plan]:
    """Return the stores and the plan of a run, which never change: a worker takes hundreds of its items.

    Opening two stores takes 20 ms of CPU time, and connections that are kept save their handshakes. Nothing of an
    earlier run is kept.
    """
    stores = run.places.open()
    return stores, _plan(run, stores.media)


def assemble_step(
    run: Run,
    prepared: Prepared,
    workers: int,
    hold: Hold,
    on_event: OnEvent = no_event,
    worker: str = "",
    carry: Carry = in_process,
    charge: Charge | None = None,
) -> Report:
    """Check the certificate, make the images, and write manifests and report.

    Args:
        run: The run.
        prepared: What split left.
        workers: Tasks that might run at once.
        hold: Of DEST.
        on_event: Receives notes.
        worker: What runs it, for the record of attempts at images.
        carry: Runs what makes images: it decodes segments, which are no more to be trusted than the source.
        charge: Says what the attempts of the run cost.

    Raises:
        TasksFailed: Tasks of this run failed; each is listed.
        SourceError: ``source-changed``, they found another source than it was planned for, or none.
        VerificationFailed: Something is missing or does not fit.
        DestinationError: ``dest-taken``, another run holds DEST by now.
        All of them but the last withdraw what was published early.
    """
    stores = run.places.open()
    media = stores.media
    try:
        with withdrawing(media, hold):
            failures = failures_of(run.id, media)
            if failures:
                raise error_of(failures, "what succeeded is kept: resume the job to retry the rest")
            plan = _plan(run, media)

            def totals(cpu: float) -> RunTotals:
                made = prepared.total - prepared.reused
                wall, cost = time.time() - run.began, None
                if charge is not None:
                    predicted = prepared.forecast.total if prepared.forecast is not None else None
                    cost = CostReport(predicted=predicted, actual=round(charge(read_attempts(media, run.id)), 6))
                return RunTotals(run.settings.engine, workers, made, prepared.reused, wall, cpu, cost=cost)

            def make_images() -> None:
                for task in image_tasks(plan, media):
                    _carried(run, task, stores, carry, worker)

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


def _plan(run: Run, media: Storage) -> Plan:
    plan = read_plan(media, run_plan_key(run.id))
    if plan is None:
        raise AssertionError("split writes the plan before any other step runs")
    refuse_foreign(plan, run.source)
    return plan
