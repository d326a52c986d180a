"""How an execution ended, as the errors that every engine raises. Pure, but for the list of failed tasks."""

from __future__ import annotations

import json
import shlex
from typing import Any

from streamify.errors import (
    DestinationError,
    Failure,
    JobCancelled,
    StreamifyError,
    TasksFailed,
    VerificationFailed,
    error_for,
)
from streamify.jobs.failures import is_loss

CANCEL_CAUSE = "streamify cancel"
"""What `cancel` gives StopExecution as the cause."""
ENDED_WELL = ("refused", "superseded")
"""States of jobs whose failure is none of the stack: with an error in their output, they made no stream."""


def error_of(execution: dict[str, Any], dest: str, failures: tuple[Failure, ...] = ()) -> StreamifyError:
    """Return the error of an execution that did not succeed.

    Args:
        execution: As DescribeExecution gives it.
        dest: As the user wrote it.
        failures: Tasks of this run that failed for good.
    """
    arn, status = execution["executionArn"], execution["status"]
    resume = f"streamify resume {shlex.quote(dest)}"
    if status == "TIMED_OUT":
        return DestinationError(
            "aws-timed-out",
            f"{arn} took longer than the stack lets a job run",
            f"raise LongestJobSeconds of the stack; {resume} does only what is missing",
        )
    if status == "ABORTED" and execution.get("cause") == CANCEL_CAUSE:
        return JobCancelled(shlex.quote(dest))
    if status == "ABORTED":
        return DestinationError("aws-aborted", f"{arn} was stopped", f"{resume} goes on where it was")
    said = _refusal(execution) or _document(execution.get("cause"))
    if said is None:
        what = f"{execution.get('error') or status}: {_line(execution.get('cause')) or 'no cause given'}"
        return DestinationError("aws-lost", f"{arn} failed: {what}", f"look at the stack's logs, then: {resume}")
    code, cause, hint = str(said["code"]), str(said.get("cause", "")), str(said.get("hint", ""))
    number = int(said["exit_code"])
    if number == TasksFailed.exit_code:
        listed = failures or tuple(_failure(item) for item in said.get("failures", ()))
        error = TasksFailed(listed, f"what succeeded is kept: {resume} tries the rest again")
        return TasksFailed(listed, hint) if is_loss(error) else error
    if number == VerificationFailed.exit_code:
        faults = tuple(map(str, said.get("faults", ())))
        return VerificationFailed(faults or (cause,), f"{cause} in all; {hint}" if faults else hint)
    return error_for(number)(code, cause, hint)


def was_refused(execution: dict[str, Any]) -> bool:
    """Return whether an execution that succeeded made no stream, as DescribeExecution gives it.

    It refused its job, or its source was uploaded again before all of it was read.
    """
    return _refusal(execution) is not None


def _refusal(execution: dict[str, Any]) -> dict[str, Any] | None:
    found = json.loads(execution.get("output") or "{}") if execution["status"] == "SUCCEEDED" else {}
    return found.get("error") if isinstance(found, dict) and found.get("status") in ENDED_WELL else None


def _document(cause: Any) -> dict[str, Any] | None:
    """Return the error that a handler gave, or ``None`` where the cause is AWS's own text."""
    try:
        said = json.loads(cause or "")
    except ValueError:
        return None
    return said if isinstance(said, dict) and {"code", "exit_code"} <= set(said) else None


def _failure(said: dict[str, Any]) -> Failure:
    return Failure(str(said["key"]), str(said["code"]), str(said.get("cause", "")), 1)


def _line(text: Any) -> str:
    return " ".join(str(text or "").split())[:500]
