"""Jobs of AWS that are there already: looked at, ended, or gone on with, from their DEST or an execution's ARN."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from streamify.backends.aws import claim
from streamify.backends.aws.account import Account, open_dest
from streamify.backends.aws.client.run import Job
from streamify.backends.aws.events import is_command_upload, read_event
from streamify.backends.aws.outcome import error_of
from streamify.backends.aws.stack import find_stack
from streamify.errors import DestinationError, TaskFailure, UsageError
from streamify.jobs.status import look
from streamify.jobs.steps import failures_of
from streamify.model.location import Location
from streamify.model.status import Cancelled, Execution, FailedTask, JobStatus

_ARN = re.compile(r"arn:[a-z-]+:states:(?P<region>[a-z0-9-]+):\d+:execution:(?P<machine>[^:]+):(?P<name>[^:]+)")


class Found:
    """The last job of AWS at a DEST.

    Args:
        job: DEST, ``s3://``, or the ARN of an execution.

    Raises:
        DestinationError: AWS refused.
        UsageError: ``job-arn``, it is an ARN of something else.
    """

    def __init__(self, job: str) -> None:
        self.execution: str | None = job if job.startswith("arn:") else None
        self.dest = _dest_of(job) if self.execution else Location.of_dest(job)
        self.media = open_dest(self.dest)
        self.claim = claim.read(self.media)
        if self.execution is None and self.claim is not None:
            self.execution = self.claim.execution

    def ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Call Step Functions where the execution is."""
        assert self.execution is not None
        account = Account(_parts(self.execution)["region"])
        return account.ask("stepfunctions", action, executionArn=self.execution, **arguments)

    def described(self) -> dict[str, Any] | None:
        """Return what AWS says of the execution; ``None``: there is none, or AWS has forgotten it."""
        if self.execution is None:
            return None
        try:
            return self.ask("DescribeExecution")
        except DestinationError as error:
            if error.code == "aws-no-execution":
                return None
            raise

    def job(self) -> Job | None:
        """Return the job, to go on with; ``None``: no job of AWS was here."""
        if self.claim is None or self.claim.request is None:
            return None
        account = Account(_parts(self.claim.execution)["region"])
        request = self.claim.request.model_copy(update={"resume": True})
        return Job(account, _machine(self.claim.execution), request, self.dest, self.media)


def _dest_of(arn: str) -> Location:
    """Return the DEST that an execution's input names."""
    account = Account(_parts(arn)["region"])
    found = account.ask("stepfunctions", "DescribeExecution", executionArn=arn)
    given = json.loads(found.get("input") or "{}")
    if "dest" in given:
        return Location.of_dest(str(given["dest"]))
    if given.get("detail-type") != "Object Created" or is_command_upload(given):
        raise UsageError("job-arn", f"{arn} carries out no job", "give the ARN of another execution, or DEST")
    return read_event(given, find_stack(account, _parts(arn)["machine"]).media, {}).dest


def status(job: str) -> JobStatus:
    """Return how a job stands."""
    found = Found(job)
    described = found.described()
    seen = look(str(found.dest), found.media, begun=found.execution is not None)
    if described is None:
        return seen
    state = seen.state
    failures: tuple[TaskFailure, ...] = ()
    if described["status"] == "RUNNING":
        state = "running"
    elif described["status"] != "SUCCEEDED" and state != "complete":
        state = "failed"
    if state in ("running", "failed"):
        failures = failures_of(_parts(str(found.execution))["name"], found.media)
    return seen.model_copy(update={"state": state, "execution": _execution(described, str(found.dest), failures)})


def cancel(job: str) -> Cancelled | None:
    """End the execution of a job; ``None``: no job of AWS was here."""
    found = Found(job)
    described = found.described()
    if described is None:
        return None
    running = described["status"] == "RUNNING"
    if running:
        found.ask("StopExecution", cause="streamify cancel")
    ended = "ABORTED" if running else described["status"]
    return Cancelled(dest=str(found.dest), execution=str(found.execution), cancelled=running, status=ended)


def _execution(described: dict[str, Any], dest: str, failures: tuple[TaskFailure, ...]) -> Execution:
    ended = described["status"] not in ("RUNNING", "SUCCEEDED")
    failed = [FailedTask(key=one.key, code=one.code, cause=str(one), attempts=one.attempts) for one in failures]
    return Execution(
        arn=described["executionArn"],
        status=described["status"],
        started=_seconds(described.get("startDate")),
        stopped=_seconds(described.get("stopDate")),
        error=str(error_of(described, dest, failures)) if ended and not failed else None,
        failed=tuple(failed),
    )


def _seconds(when: datetime | None) -> float | None:
    return when.timestamp() if when is not None else None


def _machine(arn: str) -> str:
    """Return the ARN of the state machine of an execution."""
    return arn.replace(":execution:", ":stateMachine:", 1).rsplit(":", 1)[0]


def _parts(arn: str) -> dict[str, str]:
    found = _ARN.fullmatch(arn)
    if found is None:
        raise UsageError(
            "job-arn",
            f"'{arn}' is not the ARN of an execution",
            "write it as arn:aws:states:REGION:ACCOUNT:execution:STACK:NAME",
        )
    return found.groupdict()
