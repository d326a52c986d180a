"""A list of jobs, as text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from streamify.cli.show.summary import utc
from streamify.cli.text import clock, table
from streamify.errors import counted

if TYPE_CHECKING:
    from streamify.model.listing import JobList, ListedJob


def job_lines(found: JobList) -> list[str]:
    """Return a table of jobs, why those failed that did, and how many there are of each state."""
    rows = [("NAME", "STATE", "DONE", "LEFT", "SINCE"), *map(_row, found.jobs)]
    lines = table(rows) if found.jobs else []
    lines += [line for job in found.jobs for line in _why(job)]
    lines += [f"unreadable record: {fault}" for fault in found.faults]
    states = Counter(job.state for job in found.jobs)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    return [*lines, f"{counted(len(found.jobs), 'job')}: {counts}" if counts else f"no jobs below {found.media}"]


def _row(job: ListedJob) -> tuple[str, ...]:
    left = clock(job.seconds_left) if job.seconds_left is not None else ""
    return job.name, job.state, f"{int(job.share * 100)}%", left, utc(job.since) if job.since is not None else ""


def _why(job: ListedJob) -> Iterator[str]:
    if job.message:
        yield f"{job.name}: {job.message} [{job.code}]"
    if job.retry:
        yield f"  try again: {job.retry}"
