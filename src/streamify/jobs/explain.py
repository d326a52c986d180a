"""Why a job was slow, or why it failed: by what DEST keeps of its runs."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator

from streamify.dest.layout import RUNS, run_of_record
from streamify.errors import Failure, UsageError, counted
from streamify.jobs.attempts import read_attempts
from streamify.jobs.failures import failures_of
from streamify.jobs.record import read_run
from streamify.model.analysis import Explanation, Finding, RunSummary, RunTime
from streamify.model.job import RunRecord
from streamify.model.status import Execution, JobStatus
from streamify.planning.findings import time_findings
from streamify.planning.timeline import run_time
from streamify.storage.base import Storage

_CODE = re.compile(r"(?P<text>.*?)(?: \[(?P<code>[a-z0-9-]+)\])?", re.DOTALL)
"""How the record of a run tells its error."""


def explain_job(status: JobStatus, media: Storage, run: str | None = None) -> Explanation:
    """Return where the time of a run of a job went, and why it failed.

    Args:
        status: Of the job.
        media: Rooted at DEST.
        run: Id of the run, or its beginning; ``None``: the last one.

    Raises:
        UsageError: ``run-unknown``, there is no such run, or several.
        DestinationError: ``state-newer`` or ``state-damaged``.
    """
    records = _records(media)
    chosen = _choose(records, run, status)
    if chosen is None:
        found = tuple(_no_run(status))
        return Explanation(dest=status.dest, state=status.state, source=status.source, run=None, runs=(),
                           failed=status.failed, findings=found)  # fmt: skip
    last = status.run is not None and status.run.id == chosen.id
    alive = last and status.state == "running"
    chosen = _ended(chosen, status.execution if last and not alive else None)
    timed = run_time(chosen, read_attempts(media, chosen.id), time.time() if alive else None)
    failed = failures_of(chosen.id, media)
    again = f"streamify resume {shlex.quote(status.dest)}"
    why = tuple(_failure_findings(chosen, timed, failed, again, alive=alive))
    return Explanation(
        dest=status.dest,
        state=status.state,
        source=status.source,
        run=timed,
        runs=tuple(
            RunSummary(id=one.id, engine=one.engine, started=one.started, ended=one.ended, outcome=one.outcome,
                       error=one.error) for one in records
        ),
        failed=failed,
        findings=why + time_findings(timed, chosen.workers),
    )  # fmt: skip


def _records(media: Storage) -> list[RunRecord]:
    ids = {run for entry in media.list(RUNS) if (run := run_of_record(entry.key)) is not None}
    found = (read_run(media, run) for run in ids)
    return sorted((one for one in found if one is not None), key=lambda one: one.started)


def _choose(records: list[RunRecord], wanted: str | None, status: JobStatus) -> RunRecord | None:
    if wanted is None:
        last = status.run.id if status.run is not None else None
        return next((one for one in records if one.id == last), records[-1] if records else None)
    found = [one for one in records if one.id == wanted] or [one for one in records if one.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(one.id for one in (found or records)[-5:]) or "none"
    what = f"{len(found)} runs begin with '{wanted}'" if found else f"there is no run '{wanted}' at {status.dest}"
    raise UsageError("run-unknown", f"{what}: {known}", "give one of these, or leave --run out for the last one")


def _no_run(status: JobStatus) -> Iterator[Finding]:
    text = "nothing is recorded of any run: the stream was made by an earlier Streamify, or its records were removed"
    yield Finding(cause="no-record", text=text, advice="the next run is recorded")
    if status.execution is not None and status.execution.error is not None:
        yield Finding(cause="run-failed", text=status.execution.error)


def _ended(run: RunRecord, execution: Execution | None) -> RunRecord:
    """Return the record of a run with its end, which an execution that AWS ended could not write itself."""
    if run.outcome is not None or execution is None or execution.status == "SUCCEEDED":
        return run
    if execution.status == "ABORTED":
        return run.model_copy(update={"outcome": "cancelled", "ended": execution.stopped})
    error = execution.error or f"its execution ended as {execution.status}"
    return run.model_copy(update={"outcome": "failed", "error": error, "ended": execution.stopped})


def _failure_findings(
    run: RunRecord, timed: RunTime, failed: tuple[Failure, ...], again: str, *, alive: bool
) -> Iterator[Finding]:
    for failure in failed:
        tries = counted(failure.attempts, "attempt")
        yield Finding(cause=failure.code, text=f"{failure.key} failed after {tries}: {failure.cause}",
                      advice=failure.hint or f"streamify error {failure.code} explains it; then: {again}")  # fmt: skip
    if run.outcome == "failed" and not failed:
        told = _CODE.fullmatch(run.error or "no cause was recorded")
        assert told is not None
        code = told["code"] or "run-failed"
        advice = f"streamify error {code} explains it; then run the same command again" if told["code"] else again
        yield Finding(cause=code, text=told["text"], advice=advice)
    if run.outcome in ("cancelled", "interrupted"):
        what = "streamify cancel ended it" if run.outcome == "cancelled" else "a signal ended it"
        yield Finding(cause=f"run-{run.outcome}", text=what, advice=f"go on with: {again}")
    if run.outcome is None and not alive:
        during = ", ".join(one.task for one in timed.running[:5])
        text = "its process ended without a word: it was killed, or the machine went down"
        yield Finding(cause="run-lost", text=text + (f"; at work on {during}" if during else ""),
                      advice=f"go on with: {again}")  # fmt: skip
