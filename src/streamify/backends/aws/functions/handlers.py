"""The Lambda functions: parse, call a step, format.

What a user can mend comes back as ``{"status": "failed", "error": {...}}`` and is never tried again. What can pass by
itself is raised as `TransientError`, which the state machine retries with backoff; what ends the process - memory,
time, a crash - reaches the state machine as `WorkerLost`, or as Lambda's own errors.

Media is decoded in a process of its own that has no credentials; see `streamify.executors.sealed`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from streamify.backends.aws.functions.bounds import environment_stack, seconds_for
from streamify.backends.aws.functions.decoder import decoder
from streamify.backends.aws.functions.hold import ExecutionHold
from streamify.backends.aws.functions.start import named, start_job
from streamify.backends.aws.pricing.charge import charge
from streamify.errors import Failure, StreamifyError, TasksFailed, VerificationFailed, counted
from streamify.executors.base import TaskError
from streamify.jobs.failures import write_failure
from streamify.jobs.items import Item
from streamify.jobs.steps import Prepared, Run, assemble_step, task_step
from streamify.model.attempt import Attempt
from streamify.model.report import Report
from streamify.storage.locate import open_storage

NAMED = 20
"""Failed tasks that an answer names; all of them stand in the media bucket. An answer has at most 256 KiB."""


class TransientError(Exception):
    """Something that may be gone at the next try."""


class WorkerLost(Exception):
    """The process that decodes ran out of memory or time, or crashed: a larger function may do better."""


def split(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan a job and write its item list.

    Args:
        event: ``input``: the execution's input; ``execution``: its ARN; ``started``: when, ISO 8601.
        context: Of Lambda.

    Returns:
        ``status``: ``planned`` (with ``run``, ``prepared`` and where the items are), ``duplicate``, ``failed``, or
        ``busy``: another job, such as that of an earlier version, holds the DEST; ask again in ``wait`` seconds.

    Raises:
        TransientError: To be tried again.
    """
    try:
        return start_job(event, getattr(context, "log_stream_name", ""), decoder().run)
    except StreamifyError as error:
        return {"status": "failed", "error": _refusal(error), "job": named(event)}


def transcode(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run the task that ``item`` points at, as part of ``run``.

    Args:
        event: ``run``, ``item``; ``retries``: tries before this one in the same state; ``lost``: 1 in the state that
            follows the one whose last try was lost.
        context: Of Lambda.
    """
    run, item = Run.model_validate(event["run"]), Item.model_validate(event["item"])
    number = 1 + int(event.get("retries", 0)) + int(event.get("lost", 0))
    worker = getattr(context, "log_stream_name", "")
    try:
        carry = partial(decoder().run, seconds=seconds_for(item))
        task_step(run, item, worker, number, threads=_number("THREADS") or 1, carry=carry)
    except StreamifyError as error:
        refusal = _refusal(error)
        write_failure(open_storage(run.places.media), run.id, Failure(key=item.key, exit_code=error.exit_code, **{
            name: refusal[name] for name in ("code", "cause", "hint")}))  # fmt: skip
        return {"status": "failed", "key": item.key}
    return {"status": "done", "key": item.key}


def record(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Note a task that ended its worker as often as it was tried: ``error`` is what Lambda said of the last one."""
    run, item = Run.model_validate(event["run"]), Item.model_validate(event["item"])
    said = event.get("error") or {}
    cause = " ".join(str(said.get("Cause") or "no cause given").split())[:1000]
    name = str(said.get("Error") or "unknown")
    failure = Failure(
        key=item.key,
        code="worker-lost",
        cause=f"{name}: {cause}",
        hint="raise TranscoderMemory or LargeMemory of the stack where it ran out of memory or time",
        exit_code=4,
        attempts=_number("ATTEMPTS") or 1,
    )
    write_failure(open_storage(run.places.media), run.id, failure)
    return {"status": "failed", "key": item.key}


def assemble(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the certificate, publish the manifests.

    Args:
        event: ``run`` and ``prepared`` as split gave them, ``workers``: the most tasks that ran at once.
        context: Of Lambda.

    Returns:
        ``status``: ``complete`` or ``failed``.
    """
    run, prepared = Run.model_validate(event["run"]), Prepared.model_validate(event["prepared"])
    job = {"source": run.places.uploads.child(run.source.key).url, "dest": run.places.media.url}
    media, began = open_storage(run.places.media), time.monotonic()

    def priced(attempts: Sequence[Attempt]) -> float:
        storage = prepared.forecast.storage if prepared.forecast is not None else 0
        return charge(attempts, environment_stack(), time.monotonic() - began, storage)

    try:
        hold, worker = ExecutionHold(media, run), getattr(context, "log_stream_name", "")
        report = assemble_step(
            run, prepared, int(event["workers"]), hold, worker=worker, carry=decoder().run, charge=priced
        )
    except StreamifyError as error:
        return {"status": "failed", "error": _refusal(error), "job": job}
    return {"status": "complete", "job": job, **_summary(report)}


def _summary(report: Report) -> dict[str, Any]:
    return {
        "frames": report.certificate.encoded,
        "tasks_run": report.tasks_run,
        "tasks_reused": report.tasks_reused,
        "wall_seconds": report.wall_seconds,
        "cpu_seconds": report.cpu_seconds,
        "cost": report.cost.model_dump(mode="json") if report.cost is not None else None,
    }


def _refusal(error: StreamifyError) -> dict[str, Any]:
    """Return an expected error as JSON.

    Raises:
        TransientError: It may be gone at the next try.
        WorkerLost: The decoder is gone, or has no memory left.
    """
    if error.transient and isinstance(error, TaskError) and error.code.startswith("worker-"):
        raise WorkerLost(str(error)) from error
    if error.transient:
        raise TransientError(str(error)) from error
    found = {"code": error.code, "cause": error.message[:4000], "hint": error.hint, "exit_code": error.exit_code}
    if isinstance(error, TasksFailed):
        found["cause"] = f"{counted(len(error.failures), 'task')} failed"
        found["failures"] = [
            {"key": failure.key, "code": failure.code, "cause": str(failure)[:500]}
            for failure in error.failures[:NAMED]
        ]
    if isinstance(error, VerificationFailed):
        found["cause"] = counted(len(error.faults), "fault")
        found["faults"] = [fault[:500] for fault in error.faults[:NAMED]]
    return found


def _number(variable: str) -> int:
    return int(os.environ.get(variable) or 0)
