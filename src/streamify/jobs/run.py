"""Jobs on this machine: probe, plan, transcode."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from streamify.dest.layout import PLAN, REPORT
from streamify.errors import DestinationError, StreamifyError, TasksFailed
from streamify.executors.base import OnEvent, TaskError
from streamify.jobs import fanout
from streamify.jobs.assemble import assemble
from streamify.jobs.engine import Engines, Need, Stop, as_raised, one
from streamify.jobs.locations import check_dest, find_source, refuse_dest
from streamify.jobs.state import earlier_plan, known_tracks, make_report, remove_others
from streamify.model.event import Event, EventKind
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.source import SourceFacts, SourceRef
from streamify.model.task import SplitResult, SplitTask
from streamify.storage.base import Storage
from streamify.storage.hold import holding
from streamify.storage.locate import StoreLocations

Tell = Callable[[EventKind, str, dict[str, Any]], None]


def probe(source: Location) -> SourceFacts:
    """Return facts about a source, found out in a worker process."""
    return plan(source, Settings()).source


def plan(source: Location, settings: Settings, stop: Stop | None = None) -> Plan:
    """Return the plan of a source without writing anything (the dry run); split runs here, whatever the engine."""
    folder, ref = find_source(source)
    here = settings.model_copy(update={"engine": "local"}) if settings.engine == "aws" else settings
    with Engines(here, StoreLocations(uploads=folder, media=folder), _ignore) as engines:
        return _split(engines, ref, settings, stop, write=False)


def transcode(
    source: Location, dest: Location, settings: Settings, on_event: OnEvent | None = None, stop: Stop | None = None
) -> Report:
    """Carry a job out, or what is missing of it; return its report.

    Raises:
        UsageError, SourceError, DestinationError: Something given cannot be used.
        TasksFailed: Tasks failed for good; what succeeded stays.
        VerificationFailed: The certificate found a fault; no manifest was written.
        Interrupted: `stop` was set; the same call goes on where this one stopped.
    """
    began = time.time()
    tell = teller(on_event or _ignore)
    return narrated(tell, lambda: _run(source, dest, settings, on_event or _ignore, tell, stop, began))


def narrated(tell: Tell, run: Callable[[], Report]) -> Report:
    """Run a job; tell how it ended."""
    try:
        report = run()
    except StreamifyError as error:
        tell("job.failed", str(error), {"code": error.code, "exit_code": error.exit_code})
        raise
    tell("job.finished", f"finished in {report.wall_seconds:.1f} s", {"wall_seconds": report.wall_seconds})
    return report


def _run(
    source: Location,
    dest: Location,
    settings: Settings,
    on_event: OnEvent,
    tell: Tell,
    stop: Stop | None,
    began: float,
) -> Report:
    folder, ref = find_source(source)
    refuse_dest(dest, source)
    check_dest(dest, replace=settings.replace)
    places = StoreLocations(uploads=folder, media=dest)
    tell("job.started", f"{source} -> {dest}", {"source": ref.key, "bytes": ref.size})
    job = f"{ref.identity} {settings.media().model_dump_json()}"
    with holding(dest, job, new=False):  # before a plan is replaced that another run goes by
        stores = places.open()
        old = earlier_plan(stores.media, ref, settings, str(dest))
    if old.passed_over:
        tell("note", old.passed_over, {})
    with ExitStack() as held:
        with Engines(settings, places, on_event, warm=True) as engines:
            planned = old.plan or _split(engines, ref, settings, stop, write=True)
            held.enter_context(holding(dest, job))
            found = _look(planned, stores.media, dest, tell)
            total, workers, outcome = planned.segments * len(planned.tracks), 0, fanout.Outcome()
            if len(found) < total:
                engine = engines.fit(Need(planned.estimate.worker_bytes, _longest_task(planned)))
                workers = engine.capacity
                try:
                    outcome = fanout.fan_out(planned, stores, engine, found, on_event, stop)
                except TaskError as error:
                    raise as_raised(error) from error
        if outcome.failures:
            raise TasksFailed(
                tuple(outcome.failures), "what succeeded is kept: run the same command again to retry the rest"
            )
        stores.media.sweep()  # of workers that were lost in this run
        made = assemble(planned, stores.media)
        report = make_report(
            planned,
            made,
            engine=settings.engine,
            workers=workers,
            run=outcome.made,
            reused=total - outcome.made,
            wall=time.time() - began,
            cpu=outcome.cpu_seconds,
        )
        before = known_tracks(stores.media)
        stores.media.put(PLAN, planned.to_json())  # which another run may have replaced before it was sent away
        stores.media.put(REPORT, report.to_json())
        if settings.replace:
            remove_others(planned, stores.media, before)
    return report


def _look(planned: Plan, media: Storage, dest: Location, tell: Tell) -> set[tuple[str, int]]:
    """Return the (track, segment) of all that earlier runs finished, once what they left unfinished is gone."""
    media.sweep()
    found = fanout.survey(planned, media)
    for key in found.damaged:
        media.delete(key)
    _check_disk(planned, media, dest, found.done)
    tell_plan(planned, found.done, tell)
    return found.done


def _split(engines: Engines, ref: SourceRef, settings: Settings, stop: Stop | None, *, write: bool) -> Plan:
    result = one(engines.fit(Need()), SplitTask(source=ref, settings=settings.media(), write=write), stop)
    assert isinstance(result, SplitResult)
    return Plan.from_json(result.plan)


def _check_disk(planned: Plan, media: Storage, dest: Location, done: set[tuple[str, int]]) -> None:
    share = 1 - len(done) / max(1, planned.segments * len(planned.tracks))
    need, free = int(planned.estimate.media_bytes * share), media.free_bytes()
    if free is not None and free < need:
        raise DestinationError(
            "disk-too-small",
            f"DEST {dest}: the stream may take {need / 1e6:,.1f} MB and {free / 1e6:,.1f} MB are free",
            "free space, name a DEST on another disk, or choose a smaller ladder",
        )


def tell_plan(planned: Plan, done: set[tuple[str, int]], tell: Tell) -> None:
    """Tell what is to be done, and that `done` - (track, segment) - was there before."""
    total = planned.segments * len(planned.tracks)
    if planned.source.scanned:
        tell("note", "the container has no usable index: the source was read once from end to end to plan it", {})
    data = {
        "segments": planned.segments,
        "renditions": [track.name for track in planned.video],
        "audio": len(planned.audio),
        "duration": planned.timeline.end / planned.timeline.timescale,
        "total": total,
        "reused": len(done),
        "reused_by": _reused_by(planned, done),
        "cost": planned.estimate.cost,
    }
    what = f"{planned.segments} segments x {len(planned.tracks)} tracks"
    tell("plan.ready", f"{what}, {len(done)} of {total} exist" if done else what, data)


def _reused_by(planned: Plan, done: set[tuple[str, int]]) -> dict[str, int]:
    names = {track.id: track.name for track in planned.video}
    return dict(Counter(names.get(track, "audio") for track, _ in done))


def _longest_task(planned: Plan) -> float:
    length = planned.timeline.end / planned.timeline.timescale
    if not planned.video:
        return length
    return max(length / planned.segments * 2, length / 20 if planned.audio else 0)


def teller(on_event: OnEvent) -> Tell:
    """Return what makes events of a kind, a line for people and data for machines."""

    def tell(kind: EventKind, message: str, data: dict[str, Any]) -> None:
        on_event(Event(time=time.time(), kind=kind, message=message, data=data))

    return tell


def _ignore(_: Event) -> None:
    """Take an event and do nothing."""
