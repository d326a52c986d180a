"""The jobs below MEDIA: found by their folders, each looked at with as few reads as will do."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from streamify.errors import DestinationError, StreamifyError
from streamify.jobs.dests import AT_ONCE, find_dests
from streamify.jobs.hold_base import IsRunning
from streamify.jobs.status import job_status
from streamify.jobs.uploads import read_all
from streamify.model.listing import JobList, ListedJob
from streamify.model.location import Location
from streamify.model.status import JobStatus
from streamify.model.upload import Accepted, Ended
from streamify.storage.locate import open_storage, reach_storage

_ORDER = ("running", "waiting", "unreadable", "failed", "interrupted", "cancelled", "complete")
_CODE = re.compile(r" \[([a-z0-9-]+)\]$")


def list_jobs(media: Location, is_running: IsRunning) -> JobList:
    """Return all jobs below MEDIA, those that go on first, then the latest.

    Args:
        media: A folder or a prefix.
        is_running: Asked of claims whose holder is an execution on AWS.

    Raises:
        DestinationError: ``no-media``, there is no such folder; or it cannot be listed.
    """
    if not media.remote and not media.path.is_dir():
        raise DestinationError("no-media", f"MEDIA {media}: there is no such folder", "give the folder of streams")
    storage = reach_storage(media)
    with ThreadPoolExecutor(AT_ONCE if media.remote else 1, "streamify-jobs") as pool:
        statuses = pool.map(lambda name: _look(media, name, is_running), find_dests(media))
        jobs = {listed.name: (listed, started) for listed, started in statuses}
    accepted, ended, faults = read_all(storage)
    over = {record.id for record in ended}
    for record in ended:
        jobs[record.key] = _after(record, jobs.get(record.key))
    for waiting in accepted:
        if waiting.id not in over:
            jobs[waiting.key] = _before(waiting, jobs.get(waiting.key))
    shown = sorted(
        (listed for listed, _ in jobs.values()), key=lambda one: (_ORDER.index(one.state), -(one.since or 0), one.name)
    )
    return JobList(media=str(media), jobs=tuple(shown), faults=tuple(faults))


Found = tuple[ListedJob, float | None]
"""A job, and when its last run started, seconds since the epoch."""


def _look(media: Location, name: str, is_running: IsRunning) -> Found:
    dest = media.child(name) if name else media
    try:
        found = job_status(dest, open_storage(dest), is_running, brief=True)
    except StreamifyError as error:
        text = f"{error.message} ({error.hint})" if error.hint else error.message
        return ListedJob(
            name=name or ".", dest=str(dest), state="unreadable", code=error.code, message=text
        ), None  # fmt: skip
    run = found.run
    code, message = _why(found)
    listed = ListedJob(
        name=name or ".",
        dest=str(dest),
        state=found.state,
        share=found.share,
        seconds_left=found.seconds_left,
        source=found.source,
        since=_since(found),
        code=code,
        message=message,
    )
    return listed, run.started if run is not None else None


def _since(found: JobStatus) -> float | None:
    run = found.run
    if found.state == "complete":
        return found.finished
    if run is None:
        return found.planned
    return run.started if found.state == "running" else run.ended or run.started


def _why(found: JobStatus) -> tuple[str | None, str | None]:
    if found.state != "failed":
        return None, None
    if found.run is None or not found.run.error:
        return ("tasks-failed", str(found.failed[0])) if found.failed else (None, None)
    code = _CODE.search(found.run.error)
    return (code[1] if code else "bug"), _CODE.sub("", found.run.error)


def _after(record: Ended, job: Found | None) -> Found:
    """Return the job of an upload that is over: what ended last counts, the upload's job or a later run by hand."""
    if job is not None and (
        job[0].state == "unreadable" or (job[1] is not None and job[1] > record.ended) or record.outcome == "complete"
    ):
        return job
    listed = ListedJob(
        name=record.key,
        dest=record.dest,
        state=record.outcome,
        share=job[0].share if job is not None and record.started is not None else float(record.outcome == "complete"),
        source=record.source,
        since=record.ended,
        code=record.code,
        message=record.message or None,
        retry=record.retry or None,
    )
    return listed, job[1] if job is not None else None


def _before(record: Accepted, job: Found | None) -> Found:
    """Return the job of an upload that is not over."""
    if job is not None and job[0].state in ("running", "unreadable"):
        return job
    listed = ListedJob(
        name=record.key,
        dest=str(record.dest),
        state="waiting",
        share=job[0].share if job is not None and job[0].state == "interrupted" else 0.0,
        source=str(record.source),
        since=record.accepted,
    )
    return listed, None
