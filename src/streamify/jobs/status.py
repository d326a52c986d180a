"""Job status, by what is at its DEST."""

from __future__ import annotations

import time
from collections.abc import Iterator

from streamify.dest.layout import LEDGER, MANIFESTS, PLAN, REPORT, TRACK_FOLDERS, ledger_key, segment_key
from streamify.jobs.cost import seconds_left, share_done
from streamify.jobs.dests import no_job
from streamify.jobs.failures import failures_of
from streamify.jobs.hold import read_claim
from streamify.jobs.hold_base import IsRunning
from streamify.jobs.record import read_job, read_run
from streamify.jobs.report import read_report
from streamify.model.job import Claim, RunRecord
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.status import JobStatus, RunStatus, State, TrackStatus
from streamify.model.track import Track
from streamify.storage.base import Storage
from streamify.tasks.plan_file import read_plan


def job_status(dest: Location, media: Storage, is_running: IsRunning, *, brief: bool = False) -> JobStatus:
    """Return what is done of the job at a DEST, with three listings, and whether it runs.

    Args:
        dest: Of the job.
        media: Rooted there.
        is_running: Asked of claims whose holder is an execution on AWS.
        brief: Of a complete job leave out tracks and faults, which spares the listings.

    Raises:
        DestinationError: ``no-job`` or ``job-ambiguous``, nothing of a job is there; or the state there cannot be read.
    """
    plan, report, job = read_plan(media), read_report(media), read_job(media)
    held, alive = read_claim(dest, media, is_running)
    if plan is None and report is None and job is None and held is None:
        raise no_job(dest)
    run = read_run(media, held.run) if held is not None else None
    failures = failures_of(held.run, media) if held is not None else ()
    state = _state(plan, report, run, alive=alive)
    if (
        plan is not None
        and job is not None
        and (plan.source.ref.identity, plan.settings) != (job.source_identity, job.settings.media())
    ):
        plan = None  # of an earlier job: this one has not been split yet
    facts = plan or report
    source = facts.source.ref.key if facts is not None else job.source.name if job is not None else None
    if brief and state == "complete":
        finished, told = _written(media, REPORT), _run(held, run) if held is not None else None
        return JobStatus(dest=str(dest), state=state, source=source, share=1.0, finished=finished, run=told)
    there = {entry.key for folder in (*TRACK_FOLDERS, LEDGER) for entry in media.list(folder)}
    tracks = tuple(_track(track, plan.segments, there) for track in plan.tracks) if plan is not None else ()
    share = share_done(plan, {track.id: track.done for track in tracks}) if plan is not None else 0.0
    return JobStatus(
        dest=str(dest),
        state=state,
        source=source,
        done=sum(track.done for track in tracks),
        total=sum(track.total for track in tracks),
        share=round(share, 4),
        seconds_left=_left(run, share) if state == "running" else None,
        tracks=tracks,
        planned=_written(media, PLAN) if plan is not None else None,
        finished=_written(media, REPORT) if state == "complete" else None,
        run=_run(held, run) if held is not None else None,
        failed=failures,
        faults=() if alive else tuple(_faults(media, report, run, there)),
    )


def _state(plan: Plan | None, report: Report | None, run: RunRecord | None, *, alive: bool) -> State:
    if alive:
        return "running"
    if report is not None and (plan is None or (report.source, report.settings) == (plan.source, plan.settings)):
        return "complete"
    if run is not None and run.outcome in ("failed", "cancelled"):
        return run.outcome
    return "interrupted"


def _faults(media: Storage, report: Report | None, run: RunRecord | None, there: set[str]) -> Iterator[str]:
    mend = "the same command, or resume, writes it again"
    if report is None and media.get(REPORT) is not None:
        yield f"{REPORT} is damaged or of an earlier version: {mend}"
        return
    published = [REPORT] if run is not None and run.outcome == "complete" else []
    if report is not None:
        published = [blob.key for blob in report.manifests] or [*MANIFESTS]
    for key in published:
        if key not in there and media.stat(key) is None:
            yield f"{key} is missing: remove what else may have its name, such as a folder; then {mend}"


def _left(run: RunRecord | None, share: float) -> float | None:
    if run is None or run.began_tasks is None:
        return None
    left = seconds_left(share, run.reused_share, time.time() - run.began_tasks)
    return round(left, 1) if left is not None else None


def _run(held: Claim, run: RunRecord | None) -> RunStatus:
    return RunStatus(
        id=held.run,
        engine=held.engine,
        host=held.host.partition(" ")[0],
        pid=held.pid,
        started=held.started or None,
        ended=run.ended if run is not None else held.ended,
        outcome=run.outcome if run is not None else None,
        error=run.error if run is not None else None,
    )


def _written(media: Storage, key: str) -> float | None:
    found = media.stat(key)
    return found.modified if found is not None else None


def _track(track: Track, segments: int, there: set[str]) -> TrackStatus:
    keys = ((segment_key(track.folder, index), ledger_key(track.id, index)) for index in range(segments))
    done = sum(file in there and entry in there for file, entry in keys)
    name = track.name if track.kind == "video" else "audio"
    return TrackStatus(id=track.id, name=name, done=done, total=segments)
