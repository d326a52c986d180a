"""How an execution ended, as an error with the exit code that every engine gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamify.backends.aws.outcome import error_of, was_refused
from streamify.errors import (
    CapExceeded,
    DestinationError,
    Failure,
    SourceError,
    TasksFailed,
    UsageError,
    VerificationFailed,
)

ARN = "arn:aws:states:eu-central-1:1:execution:streamify:run-1"
DEST = "s3://media/a b.mov"


def ended(status: str = "FAILED", document: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    cause = {"cause": json.dumps(document)} if document else {}
    return {"executionArn": ARN, "status": status} | cause | more


@pytest.mark.parametrize(
    ("exit_code", "kind"), [(2, UsageError), (3, SourceError), (5, DestinationError), (7, CapExceeded)]
)
def test_what_a_handler_refused_is_raised_as_here(exit_code: int, kind: type[Exception]) -> None:
    document = {"code": "some-code", "cause": "what", "hint": "how", "exit_code": exit_code}
    error = error_of(ended(document=document), DEST)
    assert type(error) is kind
    assert (error.code, error.message, error.hint, error.exit_code) == ("some-code", "what", "how", exit_code)


def test_an_execution_that_refused_its_job_succeeded() -> None:
    document = {"code": "source-not-media", "cause": "a text file", "hint": "give a video", "exit_code": 3}
    refused = ended("SUCCEEDED", output=json.dumps({"status": "refused", "error": document, "job": {}}))
    assert was_refused(refused)
    error = error_of(refused, DEST)
    assert type(error) is SourceError
    assert (error.code, error.message, error.hint) == ("source-not-media", "a text file", "give a video")
    for other in (ended("SUCCEEDED", output='{"status": "complete"}'), ended("SUCCEEDED", output="{}"), ended()):
        assert not was_refused(other)


def test_every_failed_task_is_listed() -> None:
    named = [{"key": "video/00000/240p", "code": "worker-lost", "cause": "killed"}]
    document = {"code": "tasks-failed", "cause": "2 tasks failed", "hint": "", "exit_code": 4, "failures": named}
    listed = tuple(Failure(f"video/0000{one}/240p", "worker-lost", "killed", 3) for one in range(2))
    error = error_of(ended(document=document), DEST, listed)
    assert isinstance(error, TasksFailed)
    assert error.failures == listed
    assert "streamify resume 's3://media/a b.mov'" in error.hint
    without = error_of(ended(document=document), DEST)
    assert isinstance(without, TasksFailed)
    assert [one.key for one in without.failures] == ["video/00000/240p"]


@pytest.mark.parametrize("code", ["too-many-lost", "pictures-lost"])
def test_what_the_source_lacks_is_not_tried_again(code: str) -> None:
    named = [{"key": "certificate", "code": code, "cause": "damage cost 51 of 250 pictures (raise --loss-limit)"}]
    kept = "nothing was published; what was made is kept"
    error = error_of(ended(document={"code": "tasks-failed", "hint": kept, "exit_code": 4, "failures": named}), DEST)
    assert isinstance(error, TasksFailed)
    assert error.hint == kept
    assert "(raise --loss-limit)" in error.message


def test_faults_are_listed_with_their_number() -> None:
    document = {
        "code": "verification-failed",
        "cause": "40 faults",
        "hint": "h",
        "exit_code": 6,
        "faults": ["a", "b"],
    }
    error = error_of(ended(document=document), DEST)
    assert isinstance(error, VerificationFailed)
    assert error.faults == ("a", "b")
    assert "40 faults in all" in error.hint


@pytest.mark.parametrize(
    ("execution", "code", "part"),
    [
        (ended("TIMED_OUT"), "aws-timed-out", "LongestJobSeconds"),
        (ended("ABORTED"), "aws-aborted", "streamify resume"),
        (ended(error="Lambda.Unknown", cause="it died\nof memory"), "aws-lost", "Lambda.Unknown: it died of memory"),
        (ended(error="States.Runtime", cause='{"a": 1}'), "aws-lost", "States.Runtime"),
        (ended(), "aws-lost", "no cause given"),
    ],
)
def test_what_no_handler_said_names_the_execution(execution: dict[str, Any], code: str, part: str) -> None:
    error = error_of(execution, DEST)
    assert (error.code, error.exit_code) == (code, 5)
    assert ARN in error.message
    assert part in str(error)
    assert "\n" not in str(error)
