"""Jobs on this machine: probe, plan, transcode."""

from __future__ import annotations

import platform
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Any

from streamify._version import __version__
from streamify.engines.base import OnEvent, TaskError
from streamify.engines.cpu import cpu_facts
from streamify.errors import DestinationError, StreamifyError, TasksFailed
from streamify.media.build import codec_build
from streamify.model.event import Event, EventKind
from streamify.model.plan import Plan
from streamify.model.report import Fingerprint, Report
from streamify.model.settings import Settings
from streamify.model.source import SourceFacts, SourceRef
from streamify.model.task import SplitResult, SplitTask
from streamify.pipeline import fanout
from streamify.pipeline.assemble import Assembled, assemble
from streamify.pipeline.engine import Engines, Need, as_raised, one
from streamify.pipeline.places import check_dest, find_dest, find_source, locations
from streamify.storage.base import Stores
from streamify.tasks.split import read_plan


def probe(source: str) -> SourceFacts:
    """Return facts about a source, found out in a worker process."""
    return plan(source, Settings()).source


def plan(source: str, settings: Settings, stop: Flag | None = None) -> Plan:
    """Return the plan of a source without writing anything (the dry run)."""
    folder, ref = find_source(source)
    with Engines(settings, locations(folder, Path(folder)), _ignore) as engines:
        return _split(engines, ref, settings, stop, write=False)


def transcode(
    source: str, dest: str, settings: Settings, on_event: OnEvent | None = None, stop: Flag | None = None
) -> Report:
    """Carry a job out, or what is missing of it; return its report.

    Raises:
        UsageError, SourceError, DestinationError: Something given cannot be used.
        TasksFailed: Tasks failed for good; what succeeded stays.
        VerificationFailed: The certificate found a fault; no manifest was written.
        Interrupted: `stop` was set; the same call goes on where this one stopped.
    """
    began = time.time()
    tell = _teller(on_event or _ignore)
    try:
        report = _run(source, dest, settings, on_event or _ignore, tell, stop, began)
    except StreamifyError as error:
        tell("job.failed", str(error), {"code": error.code, "exit_code": error.exit_code})
        raise
    tell("job.finished", f"finished in {report.wall_seconds:.1f} s", {"wall_seconds": report.wall_seconds})
    return report


def _run(
    source: str,
    dest: str,
    settings: Settings,
    on_event: OnEvent,
    tell: Callable[[EventKind, str, dict[str, Any]], None],
    stop: Flag | None,
    began: float,
) -> Report:
    folder, ref = find_source(source)
    path = find_dest(dest, source)
    check_dest(path, dest)
    places = locations(folder, path)
    tell("job.started", f"{source} -> {dest}", {"source": ref.key, "bytes": ref.size})
    stores = places.open()
    old = _old_plan(stores, settings)
    if old is not None and old.source.ref.identity != ref.identity and not settings.replace:
        raise DestinationError(
            "dest-other-source",
            f"DEST {dest} holds the stream of another source or of an earlier version of it",
            "name another DEST, or pass --replace",
        )
    with Engines(settings, places, on_event, warm=True) as engines:
        planned = old if old is not None and _still_holds(old, ref, settings, stores) else None
        if planned is None:
            planned = _split(engines, ref, settings, stop, write=True)
        stores.media.sweep()
        found = fanout.survey(planned, stores.media)
        for key in found.damaged:
            stores.media.delete(key)
        done = found.done
        _check_disk(planned, path, dest, done)
        _tell_plan(planned, done, tell)
        total, workers, outcome = planned.segments * len(planned.tracks), 0, fanout.Outcome()
        if len(done) < total:
            engine = engines.fit(Need(planned.estimate.worker_bytes, _longest_task(planned)))
            workers = engine.capacity
            try:
                outcome = fanout.fan_out(planned, stores, engine, done, on_event, stop)
            except TaskError as error:
                raise as_raised(error) from error
    if outcome.failures:
        raise TasksFailed(
            tuple(outcome.failures), "what succeeded is kept: run the same command again to retry the rest"
        )
    stores.media.sweep()  # of workers that were lost in this run
    made = assemble(planned, stores.media)
    report = _report(planned, made, settings, outcome, workers, total - outcome.made, time.time() - began)
    stores.media.put("report.json", report.to_json())
    if settings.replace:
        _remove_others(planned, stores)
    return report


def _old_plan(stores: Stores, settings: Settings) -> Plan | None:
    try:
        return read_plan(stores)
    except DestinationError:
        if not settings.replace:
            raise
        return None


def _still_holds(old: Plan, ref: SourceRef, settings: Settings, stores: Stores) -> bool:
    """Return whether the plan that lies at DEST is the one that split would make."""
    return (
        old.source.ref == ref
        and old.settings == settings.media()
        and old.codec_build == codec_build()
        and stores.media.size(old.segment_list) is not None
    )


def _split(engines: Engines, ref: SourceRef, settings: Settings, stop: Flag | None, *, write: bool) -> Plan:
    result = one(engines.fit(Need()), SplitTask(source=ref, settings=settings.media(), write=write), stop)
    assert isinstance(result, SplitResult)
    return Plan.from_json(result.plan)


def _check_disk(planned: Plan, path: Path, dest: str, done: set[tuple[str, int]]) -> None:
    share = 1 - len(done) / max(1, planned.segments * len(planned.tracks))
    need, free = int(planned.estimate.media_bytes * share), shutil.disk_usage(path).free
    if free < need:
        raise DestinationError(
            "disk-too-small",
            f"DEST {dest}: the stream may take {need / 1e9:.2f} GB and {free / 1e9:.2f} GB are free",
            "free space, name a DEST on another disk, or choose a smaller ladder",
        )


def _tell_plan(
    planned: Plan, done: set[tuple[str, int]], tell: Callable[[EventKind, str, dict[str, Any]], None]
) -> None:
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


def _remove_others(planned: Plan, stores: Stores) -> None:
    """Remove tracks that belong to no rendition of the plan: what --replace replaced."""
    ours = {track.id for track in planned.tracks}
    for folder in ("video", "audio", ".streamify/ledger"):
        for key, _ in list(stores.media.list(folder)):
            if key.removeprefix(f"{folder}/").split("/")[0] not in ours:
                stores.media.delete(key)


def _report(
    planned: Plan, made: Assembled, settings: Settings, outcome: fanout.Outcome, workers: int, reused: int, wall: float
) -> Report:
    cpu, features = cpu_facts()
    length = planned.timeline.end / planned.timeline.timescale
    return Report(
        status="complete",
        source=planned.source,
        settings=planned.settings,
        tracks=made.tracks,
        manifests=made.manifests,
        certificate=made.certificate,
        notes=(*planned.notes, *made.notes),
        fingerprint=Fingerprint(
            streamify=__version__,
            codec_build=planned.codec_build,
            architecture=platform.machine(),
            cpu=cpu,
            cpu_features=features,
            python=platform.python_version(),
        ),
        engine=settings.engine,
        workers=workers,
        tasks_run=outcome.made,
        tasks_reused=reused,
        wall_seconds=round(wall, 3),
        cpu_seconds=round(outcome.cpu_seconds, 3),
        speed=round(length / wall, 3) if wall > 0 else 0.0,
    )


def _teller(on_event: OnEvent) -> Callable[[EventKind, str, dict[str, Any]], None]:
    def tell(kind: EventKind, message: str, data: dict[str, Any]) -> None:
        on_event(Event(time=time.time(), kind=kind, message=message, data=data))

    return tell


def _ignore(_: Event) -> None:
    """Take an event and do nothing."""
