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
from functools import cache, partial
from typing import Any

from streamify.backends.aws.account import Account
from streamify.backends.aws.functions.bounds import environment_stack, patience_for
from streamify.backends.aws.functions.decoder import decoder
from streamify.backends.aws.functions.hold import ExecutionHold
from streamify.backends.aws.functions.later import clean_request
from streamify.backends.aws.functions.observe import Watch, to_stdout
from streamify.backends.aws.functions.publish import map_is_over, publish_step, withdraw_step
from streamify.backends.aws.functions.start import is_superseded, named, start_job
from streamify.backends.aws.functions.turn import ended_run, turns
from streamify.backends.aws.functions.turns import Ask
from streamify.backends.aws.pricing.charge import charge
from streamify.backends.aws.pricing.routing import FULL_VCPU
from streamify.errors import (
    CapExceeded,
    DestinationError,
    Failure,
    SourceError,
    StreamifyError,
    TasksFailed,
    UsageError,
    VerificationFailed,
    counted,
)
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
        ``status``: ``planned`` (with ``run``, ``prepared`` and where the items are), ``duplicate``, ``superseded`` (a
        newer version of the source is there), ``refused`` (the source or its settings cannot be used, or a cap is
        passed), ``failed``, or ``busy``: another job, such as that of an earlier version, holds the DEST; ask again in
        ``wait`` seconds.

    Raises:
        TransientError: To be tried again.
    """
    with watch().call("split", event, context) as said:
        try:
            answer = start_job(event, getattr(context, "log_stream_name", ""), decoder().run)
        except StreamifyError as error:
            status = "refused" if _of_sender(error) else "failed"
            answer = {"status": status, "error": _refusal(error, said), "job": named(event)}
        return _told(said, answer)


def transcode(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run the task that ``item`` points at, as part of ``run``.

    Args:
        event: ``run``, ``item``; ``retries``: tries before this one in the same state; ``lost``: 1 in the state that
            follows the one whose last try was lost.
        context: Of Lambda.
    """
    run, item = Run.model_validate(event["run"]), Item.model_validate(event["item"])
    number = 1 + int(event.get("retries", 0)) + int(event.get("lost", 0))
    worker, memory = getattr(context, "log_stream_name", ""), _number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    with watch().call("transcode", event, context) as said:
        said["attempt"] = number
        try:
            carry = partial(decoder().run, patience=patience_for(item, _remaining(context)))
            threads = max(1, round(memory / FULL_VCPU))
            task_step(run, item, worker, number, threads, carry, memory or None)
        except StreamifyError as error:
            refusal = _refusal(error, said)
            write_failure(open_storage(run.places.media), run.id, Failure(key=item.key, exit_code=error.exit_code, **{
                name: refusal[name] for name in ("code", "cause", "hint")}))  # fmt: skip
            return _told(said, {"status": "failed", "key": item.key})
        return _told(said, {"status": "done", "key": item.key})


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
        hint="raise LargeMemory or LargestMemory of the stack where it ran out of memory or time",
        exit_code=4,
        attempts=_number("ATTEMPTS") or 1,
    )
    with watch().call("record", event, None) as said:
        said |= {"code": failure.code, "cause": failure.cause}
        write_failure(open_storage(run.places.media), run.id, failure)
        return _told(said, {"status": "failed", "key": item.key})


def turn(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Give jobs their turn at the workers of the stack.

    Args:
        event: Of a job that asks, see `Ask`; of one that has ended, ``ended`` or an event of Step Functions.
        context: Of Lambda.

    Raises:
        TransientError: To be tried again.
    """
    with watch().call("turn", event, context) as said:
        try:
            if "token" in event:
                turns().ask(Ask.model_validate(event))
            else:
                said["run"] = ended_run(event)
                turns().end(said["run"])
        except StreamifyError as error:
            said["outcome"] = "failed"
            _refusal(error, said)
            raise
        return _told(said, {"status": "done"})


def publish(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publish what exists of a stream, while the rest is made.

    Args:
        event: ``run``, ``execution``: ARN of the one whose map runs; or ``withdraw``, a run that has failed.
        context: Of Lambda.

    Returns:
        ``status``: ``growing``, to be called again after ``wait`` seconds, or ``ended``.

    Raises:
        TransientError: To be tried again.
    """
    with watch().call("publish", event, context) as said:
        try:
            if "withdraw" in event:
                withdraw_step(Run.model_validate(event["withdraw"]))
                return _told(said, {"status": "ended"})
            answer = publish_step(Run.model_validate(event["run"]), lambda: map_is_over(account(), event["execution"]))
        except StreamifyError as error:
            said["outcome"] = "failed"
            _refusal(error, said)
            raise
        return _told(said, answer)


@cache
def account() -> Account:
    """Return the account that this execution environment runs in."""
    return Account()


def assemble(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the certificate, publish the manifests.

    Args:
        event: ``run`` and ``prepared`` as split gave them, ``workers``: tasks that might run at once at first.
        context: Of Lambda.

    Returns:
        ``status``: ``complete``, ``failed``, or ``superseded``: a newer version of the source is there, which a job of
        its own is about. With ``error``, the old one could not be read to its end, and nothing was published.
        ``clean``: input of an execution that removes what was replaced, after its time.
    """
    run, prepared = Run.model_validate(event["run"]), Prepared.model_validate(event["prepared"])
    job = {"source": run.places.uploads.child(run.source.key).url, "dest": run.places.media.url}
    media, began = open_storage(run.places.media), time.monotonic()

    def priced(attempts: Sequence[Attempt]) -> float:
        storage = prepared.forecast.storage if prepared.forecast is not None else 0
        return charge(attempts, environment_stack(), time.monotonic() - began, storage)

    with watch().call("assemble", event, context) as said:
        try:
            hold, worker = ExecutionHold(media, run), getattr(context, "log_stream_name", "")
            report = assemble_step(
                run, prepared, int(event["workers"]), hold, worker=worker, carry=decoder().run, charge=priced
            )
        except StreamifyError as error:
            found = _refusal(error, said)
            late = isinstance(error, SourceError | TasksFailed) and _superseded(run, said)
            return _told(said, {"status": "superseded" if late else "failed", "error": found, "job": job})
        status = "superseded" if _superseded(run, said) else "complete"
        later = clean_request(run, media, _number("LONGEST_JOB_SECONDS"))
        return _told(said, {"status": status, "job": job, **_summary(report), **({"clean": later} if later else {})})


@cache
def watch() -> Watch:
    """Return what tells of the calls of this execution environment."""
    return Watch(lambda: decoder().peak_bytes, to_stdout)


def _told(said: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Note how a call ended; return its answer."""
    said["outcome"] = answer["status"]
    return answer


def _superseded(run: Run, said: dict[str, Any]) -> bool:
    """Return whether a newer version of a run's source is there, as far as this function may look at it.

    Raises:
        TransientError: It cannot be asked at this moment.
    """
    try:
        return is_superseded(run)
    except DestinationError as error:
        _refusal(error, dict(said))
        return False


def _of_sender(error: StreamifyError) -> bool:
    """Return whether whoever sent the job can mend it: source, settings, caps; all else is the operator's."""
    return isinstance(error, SourceError | UsageError | CapExceeded) and error.code != "aws-settings"


def _remaining(context: Any) -> float | None:
    """Return the seconds that the function has left; ``None`` outside of Lambda."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return left() / 1000 if left is not None else None


def _summary(report: Report) -> dict[str, Any]:
    return {
        "frames": report.certificate.encoded,
        "tasks_run": report.tasks_run,
        "tasks_reused": report.tasks_reused,
        "wall_seconds": report.wall_seconds,
        "cpu_seconds": report.cpu_seconds,
        "cost": report.cost.model_dump(mode="json") if report.cost is not None else None,
    }


def _refusal(error: StreamifyError, said: dict[str, Any]) -> dict[str, Any]:
    """Return an expected error as JSON; note it.

    Raises:
        TransientError: It may be gone at the next try.
        WorkerLost: The decoder is gone, or has no memory left.
    """
    said |= {"code": error.code, "cause": error.message[:1000]}
    if error.transient and isinstance(error, TaskError) and error.code.startswith("worker-"):
        said["outcome"] = "lost"
        raise WorkerLost(str(error)) from error
    if error.transient:
        said["outcome"] = "retried"
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
