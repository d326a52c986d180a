"""Jobs on this machine: one process calls the steps, and an executor runs the tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import NamedTuple

from streamify.dest.layout import JOB, LEDGER, PLAN, REPORT, STATE
from streamify.errors import CapExceeded, DestinationError, SourceError, TasksFailed, UsageError, VerificationFailed
from streamify.executors.base import Executor, OnEvent, TaskError
from streamify.executors.events import EventDelivery, delivering
from streamify.executors.local.start import WorkerStarter
from streamify.jobs import run as steps
from streamify.jobs.asked import heeding
from streamify.jobs.beginning import Begun, EarlyStart
from streamify.jobs.cancel import cancel_here
from streamify.jobs.cancel_request import pending, watched
from streamify.jobs.cost import count_by_track, share_done
from streamify.jobs.demands import Demands
from streamify.jobs.disk import check_disk, planning
from streamify.jobs.early import EarlyPublisher, publishing, withdrawing
from streamify.jobs.engine import Share, Stop, completed, executor_for, run_one
from streamify.jobs.explain import explain_job
from streamify.jobs.failures import error_of, is_damage
from streamify.jobs.fanout import First, Outcome, fan_out, width_of
from streamify.jobs.hold import holding
from streamify.jobs.hold_base import Hold
from streamify.jobs.images import image_tasks
from streamify.jobs.live import LiveStream
from streamify.jobs.locations import check_dest, find_source, refuse_dest
from streamify.jobs.loudness import loudness_tasks, settle
from streamify.jobs.record import RunLog, local_claim, new_job, read_job, recorded, write_job
from streamify.jobs.refused import NewDest
from streamify.jobs.report import RunTotals
from streamify.jobs.segments import SegmentList
from streamify.jobs.sidecars import gather
from streamify.jobs.state_files import check_published, check_saved, check_state_files
from streamify.jobs.status import job_status
from streamify.jobs.tell import narrated, tell_plan, teller
from streamify.jobs.trusted import refuse_foreign
from streamify.jobs.words import text_tasks
from streamify.model.analysis import Explanation
from streamify.model.event import Event
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.status import Cancelled, JobStatus
from streamify.model.task import InitTask, Task
from streamify.planning.agenda import FIRST
from streamify.planning.budget import init_budget
from streamify.storage.base import Storage, Stores
from streamify.storage.locate import StoreLocations, reach_storage


class _Workers(NamedTuple):
    """Who runs the tasks of a job."""

    starter: WorkerStarter | None
    engine: Share | None


class Here:
    """The backend of this machine.

    Args:
        starter: Starts the workers; what they need is perhaps being loaded already.
        engine: Runs the tasks of its jobs, of which several may run at once in threads; ``None``: each job has its own.
    """

    def __init__(self, starter: WorkerStarter | None = None, engine: Share | None = None) -> None:
        self._workers = _Workers(starter, engine)

    def play(
        self,
        source: Location,
        dest: Location,
        settings: Settings,
        live: LiveStream,
        on_event: OnEvent,
        stop: Stop | None = None,
    ) -> Report:
        """Do what `transcode` does, and before all else what the viewers of `live` ask for."""

        def told(event: Event) -> None:
            live.progress.see(event)
            on_event(event)

        with live.ending():
            return self._carry_out(source, dest, settings, told, stop, live)

    def transcode(
        self, source: Location, dest: Location, settings: Settings, on_event: OnEvent, stop: Stop | None = None
    ) -> Report:
        """See `Backend.transcode`."""
        return self._carry_out(source, dest, settings, on_event, stop)

    def resume(self, dest: Location, on_event: OnEvent, stop: Stop | None = None) -> Report:
        """See `Backend.resume`."""
        media = _open(dest)
        job = read_job(media)
        if job is None:
            job_status(dest, media, is_running)  # raises where there is no job at all
            raise _unknown(dest, media)
        _, ref = find_source(job.source)
        if ref.identity != job.source_identity:
            raise SourceError(
                "source-changed",
                f"{job.source} is not what it was when the job at {dest} was started",
                f"put it back, or start anew: streamify transcode {job.source} {dest} --replace",
            )
        return self.transcode(job.source, dest, job.settings, on_event, stop)

    def status(self, dest: Location) -> JobStatus:
        """See `Backend.status`."""
        return job_status(dest, _open(dest), is_running)

    def storage(self, location: Location) -> Storage:
        """See `Backend.storage`."""
        return reach_storage(location)

    def explain(self, dest: Location, run: str | None = None) -> Explanation:
        """See `Backend.explain`."""
        return explain_job(self.status(dest), _open(dest), run)

    def cancel(self, dest: Location) -> Cancelled:
        """See `Backend.cancel`."""
        return cancel_here(dest, _open(dest), is_running)

    def _carry_out(
        self,
        source: Location,
        dest: Location,
        settings: Settings,
        on_event: OnEvent,
        stop: Stop | None,
        live: LiveStream | None = None,
    ) -> Report:
        stop = stop or Stop()
        with delivering(on_event, stop) as events:
            return narrated(
                teller(events), lambda: _transcode(source, dest, settings, events, stop, self._workers, live)
            )


def _tell_all(viewers: Iterable[Callable[[], None]]) -> None:
    for tell in viewers:
        tell()


def _open(dest: Location) -> Storage:
    """Return the storage at the DEST of a job that is asked about."""
    check_state_files(dest, replace=False)
    return reach_storage(dest)


def _unknown(dest: Location, media: Storage) -> DestinationError:
    """Return the error for a job whose record is missing or too old to be read."""
    again = f"streamify transcode SOURCE {dest}"
    if STATE not in media.names():
        return DestinationError(
            "job-unknown",
            f"{dest}/{JOB} is missing, as is all of {STATE}: nothing tells where the source of the stream is",
            f"make the stream anew: {again} --replace",
        )
    why = "is missing" if media.get(JOB) is None else "was written by an earlier Streamify"
    return DestinationError(
        "job-unknown",
        f"{dest}/{JOB} {why}: nothing tells where the source of the job is",
        f"run its command again: {again}",
    )


def is_running(held: Claim) -> bool:
    """Ask AWS about an execution that holds DEST."""
    from streamify.backends.aws.backend import holder_runs

    return holder_runs(held)


def _transcode(
    source: Location,
    dest: Location,
    settings: Settings,
    events: EventDelivery,
    stop: Stop,
    workers: _Workers,
    live: LiveStream | None,
) -> Report:
    began, tell = time.time(), teller(events)
    folder, ref = find_source(source)
    refuse_dest(dest, source)
    check_dest(dest, replace=settings.replace)
    places = StoreLocations(uploads=folder, media=dest)
    gathered = gather(settings, source)
    settings = gathered.settings
    tell("job.started", f"{source} -> {dest}", {"source": ref.key, "bytes": ref.size})
    stores = places.open()
    job = new_job(source, ref, dest, settings)
    claim = local_claim(job)
    new = NewDest(dest, stores.media)
    with ExitStack() as stack:
        hold = stack.enter_context(holding(dest, stores.media, claim, is_running, replace=settings.replace))
        check_state_files(dest, replace=settings.replace)
        check_published(dest, replace=settings.replace)
        check_saved(stores.media, replace=settings.replace)
        if workers.engine is None:  # the jobs of a shared engine are told by what DEST keeps of them
            stack.enter_context(new.cleared(hold))
        before = pending(stores.media)
        old = steps.find_plan(stores.media, ref, settings, dest, alone=hold.alone)
        if old.why:
            tell("note", f"planned anew: {old.why}", {})
        gathered.keep(stores.media)
        write_job(stores.media, job)
        log = stack.enter_context(recorded(stores.media, claim))
        stack.enter_context(withdrawing(stores.media, hold))
        stack.enter_context(watched(dest, stores.media, hold, stop, before))
        run = _Run(places, stores, dest, settings, events, stop, log, began, workers, live)
        return run.carry_out(old.plan, ref, hold)


class _Run:
    """One run of a job in this process."""

    def __init__(
        self,
        places: StoreLocations,
        stores: Stores,
        dest: Location,
        settings: Settings,
        events: EventDelivery,
        stop: Stop,
        log: RunLog,
        began: float,
        workers: _Workers,
        live: LiveStream | None,
    ) -> None:
        self._workers, self._live, self._reused = workers, live, 0
        self._places, self._stores, self._dest, self._settings = places, stores, dest, settings
        self._events, self._tell, self._stop, self._log, self._began = events, teller(events), stop, log, began

    def carry_out(self, old: Plan | None, ref: SourceRef, hold: Hold) -> Report:
        starter, engine = self._workers
        with executor_for(
            self._settings,
            self._places,
            self._events,
            warm=True,
            spare=self._live is not None,
            starter=starter,
            engine=engine,
            anywhere=True,
        ) as executor:
            with planning(self._stores.media, self._dest, refuse=self._settings.disk_check):
                plan, begun = (old, None) if old is not None else self._split(executor, ref, alone=hold.alone)
            refuse_foreign(plan, ref)  # what decodes media of strangers has written it
            try:
                return self._make(plan, executor, hold, begun)
            except (TasksFailed, VerificationFailed) as error:
                if not self._settings.replace or not self._reused or is_damage(error):
                    raise
                self._tell("note", f"all segments are made anew: what was kept does not pass: {error.message}", {})
                hold.check()
                steps.forget(plan, self._stores.media)
                return self._make(plan, executor, hold)

    def _split(self, executor: Executor, ref: SourceRef, *, alone: bool) -> tuple[Plan, Begun | None]:
        """Plan the source. Where a viewer waits and nothing is at DEST, begin the first segment meanwhile.

        Only where this run is `alone` at DEST: what is cut otherwise than the plan says would be in the way of another.
        """
        media, keep = self._stores.media, self._log.attempts.add
        start = None
        fresh = media.stat(PLAN) is None and next(iter(media.list(LEDGER)), None) is None
        if self._live is not None and alone and fresh and executor.capacity > 1:
            start = EarlyStart(executor, media, self._stop, self._events, keep)
        try:
            plan = steps.split(
                executor, ref, self._settings, self._stop, self._events,
                write=True, keep=keep, on_beginning=start.take if start is not None else None,
            )  # fmt: skip
        except (SourceError, UsageError, CapExceeded):
            if start is not None:
                start.settle(None)
            raise
        return plan, start.settle(plan) if start is not None else None

    def _make(self, plan: Plan, executor: Executor, hold: Hold, begun: Begun | None = None) -> Report:
        """Make what is missing of a stream, and publish it."""
        total, workers, outcome = plan.segments * len(plan.tracks), 0, Outcome()
        with closing(SegmentList(plan, self._stores.media)) as segments:
            done = self._survey(plan, segments)
            self._measure(plan, segments, executor)
            first = self._first(self._live, plan, executor) if self._live is not None else None
            missing = len(done) < total or any(text_tasks(plan, self._stores.media))
            if missing:
                workers, outcome = self._run_tasks(plan, segments, done, executor, hold, first, begun)
        if not missing and first is not None:
            run_one(executor, first.task, self._stop, self._events, self._log.attempts.add)
            first.done()
        self._stores.media.sweep()  # of workers that were lost in this run

        def totals(_: float) -> RunTotals:
            wall, made = time.time() - self._began, outcome.made
            return RunTotals(
                self._settings.engine, workers, made, total - made, wall, outcome.cpu_seconds,
                stragglers=outcome.stragglers, more_memory=outcome.more_memory,
            )  # fmt: skip

        self._reused = total - outcome.made
        make_images = partial(self._make_images, plan, executor)
        return steps.finish(plan, self._stores.media, self._settings, self._tell, totals, hold, make_images)

    def _first(self, live: LiveStream, plan: Plan, executor: Executor) -> First:
        """Return the task that lets viewers see the stream as it will be."""
        video = plan.source.video
        budget = init_budget(video, plan.video)
        task = InitTask(tracks=plan.tracks, video=video, timeline=plan.timeline, budget=budget, priority=FIRST)
        return First(task, lambda: live.planned(plan, self._stores.media, executor.capacity))

    def _measure(self, plan: Plan, segments: SegmentList, executor: Executor) -> None:
        """Find out the gain of every track that has a target, before any of them is encoded."""
        tasks = loudness_tasks(plan, self._stores.media, segments)
        self._run_all(tasks, executor, "the loudness is not known: run the same command again, or leave it out")
        settle(plan, self._stores.media)

    def _make_images(self, plan: Plan, executor: Executor) -> None:
        """Make thumbnails and poster of the finished segments."""
        tasks = image_tasks(plan, self._stores.media)
        hint = "run the same command again, or leave images out: --thumbnails off --poster off --preview off"
        self._run_all(tasks, executor, hint)

    def _run_all(self, tasks: Iterator[Task], executor: Executor, hint: str) -> None:
        """Run tasks whose results are in the media storage.

        Raises:
            TasksFailed: With `hint`; all of them were tried.
            SourceError: ``source-changed``, likewise.
        """
        failures = []
        for _, result in completed(executor, tasks, self._stop, self._events, keep=self._log.attempts.add):
            if isinstance(result, TaskError):
                failures.append(result.failure)
        if failures:
            self._log.failed(failures)
            raise error_of(failures, hint)

    def _survey(self, plan: Plan, segments: SegmentList) -> set[tuple[str, int]]:
        done = steps.survey_dest(plan, self._stores.media, self._settings, self._tell).done
        check_disk(plan, self._stores.media, self._dest, len(done), self._tell, refuse=self._settings.disk_check)
        if self._live is not None:
            self._live.surveyed(plan, self._stores.media, done, segments.borders)
        tell_plan(plan, done, self._tell)
        return done

    def _may_replace(self, hold: Hold) -> bool:
        """Return whether files of a stream with names that others have, too, can be written before its end."""
        return hold.alone and self._stores.media.get(REPORT) is None

    @contextmanager
    def _published_early(
        self, plan: Plan, segments: SegmentList, done: set[tuple[str, int]], hold: Hold
    ) -> Iterator[EarlyPublisher | None]:
        """Publish what there is while tasks run, if that is wanted; a finished stream stays until the new one is."""
        media, local = self._stores.media, not self._dest.remote
        early = self._settings.publish == "early" or (self._settings.publish is None and local)
        if not early or not self._may_replace(hold):
            yield None
            return
        publisher = EarlyPublisher(plan, media, hold, done, local=local, segments=segments)
        with publishing(publisher):
            yield publisher

    @contextmanager
    def _demands(self) -> Iterator[Demands]:
        """Give what viewers wait for: those of this process, and of any that serves a DEST in a folder."""
        demands = self._live.demands if self._live is not None else Demands()
        if self._dest.remote:
            yield demands
            return
        with heeding(self._stores.media, demands):
            yield demands

    def _run_tasks(
        self,
        plan: Plan,
        segments: SegmentList,
        done: set[tuple[str, int]],
        executor: Executor,
        hold: Hold,
        first: First | None,
        begun: Begun | None,
    ) -> tuple[int, Outcome]:
        total = plan.segments * len(plan.tracks)
        workers = width_of(executor, plan)
        share = share_done(plan, count_by_track(done))
        capacity = executor.capacity
        self._log.update(
            capacity=capacity,
            workers=workers,
            total=total,
            reused=len(done),
            reused_share=share,
            began_tasks=time.time(),
        )
        try:
            with self._demands() as demands, self._published_early(plan, segments, done, hold) as early:
                viewers = [one.imaged for one in (early, self._live) if one is not None]
                outcome = fan_out(
                    plan, segments, self._stores, executor, done, self._events, self._stop, self._log.attempts.add,
                    demands, early.made if early is not None else None, first, begun,
                    partial(_tell_all, viewers) if viewers else None, self._may_replace(hold),
                )  # fmt: skip
        except TaskError as error:
            raise error.as_raised() from error
        if outcome.failures:
            self._log.failed(outcome.failures)
            raise error_of(outcome.failures, "what succeeded is kept: run the same command again to retry the rest")
        return workers, outcome
