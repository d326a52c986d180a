"""The function that says whose turn it is: called by jobs that ask and that have ended."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from typing import Any

from streamify.backends.aws.account import Account, is_running
from streamify.backends.aws.functions.turns import Turns
from streamify.backends.aws.shares import workers_of
from streamify.errors import DestinationError
from streamify.model.location import Location
from streamify.storage.locate import open_storage
from streamify.storage.objects import ObjectStorage

GONE = ("TaskDoesNotExist", "TaskTimedOut", "InvalidToken")
"""What Step Functions says of a token that nobody waits at any more."""


class StepFunctions:
    """See `streamify.backends.aws.functions.turns.Machine`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def runs(self, execution: str) -> bool:
        """See `Machine.runs`."""
        return is_running(self._account, execution)

    def answer(self, token: str, workers: int) -> bool:
        """See `Machine.answer`."""
        output = json.dumps({"workers": workers})
        try:
            self._account.ask("stepfunctions", "SendTaskSuccess", taskToken=token, output=output)
        except DestinationError as error:
            if not any(word in error.message for word in GONE):
                raise
            return False
        return True

    def resize(self, execution: str, workers: int) -> bool:
        """See `Machine.resize`. What fails is logged: it changes speed alone, and is tried at the next change."""
        try:
            found = self._account.ask("stepfunctions", "ListMapRuns", executionArn=execution)["mapRuns"]
            for one in found:
                arn = one["mapRunArn"]
                self._account.ask("stepfunctions", "UpdateMapRun", mapRunArn=arn, maxConcurrency=workers)
        except DestinationError as error:
            line = {"level": "WARNING", "message": f"{execution} keeps its share of workers: {error}"}
            print(json.dumps(line), file=sys.stderr, flush=True)  # noqa: T201 - what Lambda logs
            return False
        return bool(found)


@cache
def turns() -> Turns:
    """Return line and leases of this stack."""
    account = Account()
    media = open_storage(Location("s3", os.environ["MEDIA_BUCKET"], ""))
    assert isinstance(media, ObjectStorage)
    workers = int(os.environ.get("TRANSCODERS") or 0) or workers_of(_quota())
    jobs, most = int(os.environ["MAX_JOBS"]), int(os.environ["MAX_CONCURRENCY"])
    return Turns(media, StepFunctions(account), workers, jobs, most)


def _quota() -> int:
    """Return the concurrent executions of the account.

    Raises:
        DestinationError: ``aws-no-endpoint``.
    """
    try:
        # Not patient: the function has a minute, and what has no endpoint never answers.
        limits = Account(patient=False).ask("lambda", "GetAccountSettings")["AccountLimit"]
    except DestinationError as error:
        if error.code != "aws-unreachable":
            raise
        raise DestinationError(
            "aws-no-endpoint",
            f"the stack's functions cannot reach Lambda, which tells the quota of the account: {error.message}",
            "give their VPC an interface endpoint of Lambda, or deploy the stack with a number of Transcoders",
        ) from error
    return int(limits.get("UnreservedConcurrentExecutions") or limits["ConcurrentExecutions"])


def ended_run(event: dict[str, Any]) -> str:
    """Return the id of the run that has ended, by what the state machine or EventBridge says."""
    return str(event.get("ended") or event["detail"]["executionArn"].rsplit(":", 1)[-1])
