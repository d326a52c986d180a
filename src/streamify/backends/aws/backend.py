"""Jobs on AWS, as any backend carries them out: looked at, ended, or gone on with, from their DEST."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

from streamify.backends.aws.account import Account, find_stack, is_running, open_dest
from streamify.backends.aws.arn import machine_arn, parse_arn
from streamify.backends.aws.client import run as client
from streamify.backends.aws.events import Request, is_command_upload, read_event, request_of
from streamify.backends.aws.outcome import CANCEL_CAUSE, error_of, was_refused
from streamify.errors import DestinationError, UsageError
from streamify.executors.base import OnEvent
from streamify.executors.events import delivering
from streamify.jobs.claim import earlier_request
from streamify.jobs.dests import no_job
from streamify.jobs.engine import Stop
from streamify.jobs.explain import explain_job
from streamify.jobs.record import read_job
from streamify.jobs.status import job_status
from streamify.model.analysis import Explanation
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.status import Cancelled, Execution, JobStatus, State
from streamify.storage.base import Storage

PATIENCE = 30.0
"""Seconds that AWS may take to end an execution."""


class Aws:
    """The backend of a deployed stack.

    Args:
        execution: ARN of the execution that a job is asked of; ``None`` for a new job.
    """

    def __init__(self, execution: str | None = None) -> None:
        self._execution = execution

    def transcode(
        self, source: Location, dest: Location, settings: Settings, on_event: OnEvent, stop: Stop | None = None
    ) -> Report:
        """See `Backend.transcode`. Once the job runs on AWS it goes on there, whatever becomes of this process."""
        with delivering(on_event, stop) as events:
            return client.transcode(source, dest, settings, events, stop)

    def resume(self, dest: Location, on_event: OnEvent, stop: Stop | None = None) -> Report:
        """See `Backend.resume`; a job that runs is followed."""
        assert self._execution is not None
        media = open_dest(dest)
        request = _request(dest, media)
        if request is None:
            raise no_job(dest)
        account = Account(parse_arn(self._execution).region)
        job = client.Job(account, machine_arn(self._execution), request, dest, account.storage(dest))
        with delivering(on_event, stop) as events:
            return client.resume(job, events, stop)

    def status(self, dest: Location) -> JobStatus:
        """See `Backend.status`; the execution is asked for too."""
        seen = job_status(dest, open_dest(dest), holder_runs)
        described = self._described()
        if described is None:
            return seen
        state = seen.state
        if described["status"] == "RUNNING":
            state = "running"
        elif state != "complete":
            states: dict[str, State] = {"ABORTED": "cancelled", "SUCCEEDED": "interrupted"}
            state = "failed" if was_refused(described) else states.get(described["status"], "failed")
        return seen.model_copy(update={"state": state, "execution": _execution(described, str(dest), seen)})

    def storage(self, location: Location) -> Storage:
        """See `Backend.storage`."""
        return open_dest(location)

    def explain(self, dest: Location, run: str | None = None) -> Explanation:
        """See `Backend.explain`."""
        return explain_job(self.status(dest), open_dest(dest), run)

    def cancel(self, dest: Location) -> Cancelled:
        """See `Backend.cancel`. Functions that run at this moment end by themselves, within minutes."""
        described = self._described()
        if described is None:
            raise no_job(dest)
        running = described["status"] == "RUNNING"
        if running:
            self._ask("StopExecution", cause=CANCEL_CAUSE)
            described = self._wait_for_end(dest)
        return Cancelled(
            dest=str(dest),
            run=parse_arn(str(self._execution)).name,
            execution=str(self._execution),
            cancelled=running and described["status"] == "ABORTED",
            status=described["status"],
        )

    def _wait_for_end(self, dest: Location) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            described = self._described()
            if described is None or described["status"] != "RUNNING":
                return described or {"status": "ABORTED"}
            if time.monotonic() > deadline:
                raise DestinationError(
                    "cancel-slow",
                    f"the job at {dest} ({self._execution}) was asked to stop and still runs after {PATIENCE:g} s",
                    "it stops as soon as AWS can",
                )
            time.sleep(1)

    def _ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Call Step Functions where the execution is."""
        assert self._execution is not None
        account = Account(parse_arn(self._execution).region)
        return account.ask("stepfunctions", action, executionArn=self._execution, **arguments)

    def _described(self) -> dict[str, Any] | None:
        """Return what AWS says of the execution; ``None``: there is none, or AWS has forgotten it."""
        if self._execution is None:
            return None
        try:
            return self._ask("DescribeExecution")
        except DestinationError as error:
            if error.code == "aws-no-execution":
                return None
            raise


def dest_of(arn: str) -> Location:
    """Return the DEST that an execution's input names.

    Raises:
        UsageError: ``job-arn``, it is none, or of an execution without a job.
        DestinationError: AWS refused.
    """
    parts = parse_arn(arn)
    account = Account(parts.region)
    found = account.ask("stepfunctions", "DescribeExecution", executionArn=arn)
    given = json.loads(found.get("input") or "{}")
    if "dest" in given:
        return Location.of_dest(str(given["dest"]))
    if given.get("detail-type") != "Object Created" or is_command_upload(given):
        raise UsageError("job-arn", f"{arn} carries out no job", "give the ARN of another execution, or DEST")
    return read_event(given, find_stack(account, parts.machine).media, {}).dest


def holder_runs(held: Claim) -> bool:
    """Return whether the execution that holds a DEST runs."""
    assert held.execution is not None
    return is_running(Account(parse_arn(held.execution).region), held.execution)


def _request(dest: Location, media: Storage) -> Request | None:
    """Return the job at DEST as it is asked for again; ``None``: there is none."""
    job = read_job(media)
    if job is not None:
        return request_of(job.source, dest, job.settings)
    before = earlier_request(media)
    return Request.model_validate(before | {"resume": True}) if before is not None else None


def _execution(described: dict[str, Any], dest: str, seen: JobStatus) -> Execution:
    ended = described["status"] not in ("RUNNING", "SUCCEEDED") or was_refused(described)
    return Execution(
        arn=described["executionArn"],
        status=described["status"],
        started=_seconds(described.get("startDate")),
        stopped=_seconds(described.get("stopDate")),
        error=str(error_of(described, dest)) if ended and not seen.failed else None,
    )


def _seconds(when: datetime | None) -> float | None:
    return when.timestamp() if when is not None else None
