"""The jobs of a deployed stack, as Step Functions knows them: the latest first."""

from __future__ import annotations

import json
from typing import Any

from streamify.backends.aws.account import Account, find_stack
from streamify.backends.aws.events import is_command_upload, is_folder_marker, is_words_upload, read_event
from streamify.backends.aws.outcome import ENDED_WELL, error_of, was_refused
from streamify.errors import StreamifyError
from streamify.model.status import StackJob, StackJobs

MOST = 50
"""Jobs that are listed: each is a request, of which an account has 15 a second."""


def list_stack_jobs(name: str) -> StackJobs:
    """Return the latest jobs of a stack.

    Args:
        name: Of the stack.

    Raises:
        DestinationError: ``aws-no-stack``, or AWS refused.
    """
    account = Account()
    stack = find_stack(account, name)
    listed = account.ask("stepfunctions", "ListExecutions", stateMachineArn=stack.workflow, maxResults=MOST)
    found = (account.ask("stepfunctions", "DescribeExecution", executionArn=one["executionArn"])
             for one in listed["executions"])  # fmt: skip
    jobs = (_job(described, stack.media) for described in found)
    return StackJobs(stack=name, jobs=tuple(job for job in jobs if job is not None), more="nextToken" in listed)


def _job(described: dict[str, Any], media: str) -> StackJob | None:
    """Return the job of an execution; ``None`` where it has none, as for what a command uploads."""
    given = json.loads(described.get("input") or "{}")
    if "clean" in given or is_command_upload(given) or is_folder_marker(given) or is_words_upload(given):
        return None
    output = json.loads(described.get("output") or "{}")
    if isinstance(output, dict) and output.get("plan", {}).get("status") == "duplicate":
        return None
    try:
        request = read_event(given, media, {})
    except StreamifyError:  # it was started by hand with something else, and says so itself
        source, dest = "", described["executionArn"]
    else:
        source, dest = str(request.source), str(request.dest)
    stopped = described.get("stopDate")
    bad = described["status"] not in ("RUNNING", "SUCCEEDED") or was_refused(described)
    state = output.get("status") if isinstance(output, dict) and output.get("status") in ENDED_WELL else None
    return StackJob(
        execution=described["executionArn"],
        state=state or described["status"].lower().replace("_", " "),
        source=source,
        dest=dest,
        started=described["startDate"].timestamp(),
        stopped=stopped.timestamp() if stopped is not None else None,
        error=str(error_of(described, dest)) if bad else None,
    )
