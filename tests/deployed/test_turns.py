"""Jobs share the workers of the deployed stack: what Step Functions is told, and that nothing of it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator import Stack
from streamify.backends.aws.account import Account
from streamify.backends.aws.functions.turn import StepFunctions

TURNS = ".streamify/turns/"


def leases(stack: Stack) -> list[str]:
    """Return the runs that hold workers."""
    body = stack.client("s3").get_object(Bucket=stack.media, Key=f"{TURNS}leases.json")["Body"]
    return [one["run"] for one in json.loads(body.read())["leases"]]


def test_a_job_gets_workers_and_hands_them_back(stack: Stack, small: Path) -> None:
    stack.upload("turn.mp4", small.read_bytes())
    (done,) = stack.wait("turn.mp4")
    assert done["status"] == "SUCCEEDED", done
    assert done["executionArn"].rsplit(":", 1)[-1] not in leases(stack)
    states = stack.client("stepfunctions")
    (found,) = states.list_map_runs(executionArn=done["executionArn"])["mapRuns"]
    assert states.describe_map_run(mapRunArn=found["mapRunArn"])["maxConcurrency"] == 1  # it has one item
    assert StepFunctions(Account("us-east-1")).resize(done["executionArn"], 5)
    assert states.describe_map_run(mapRunArn=found["mapRunArn"])["maxConcurrency"] == 5


@pytest.mark.long
def test_a_job_that_finds_no_workers_waits_for_those_of_one_that_has_ended(stack: Stack, small: Path) -> None:
    stack.upload("before.mp4", small.read_bytes())
    (before,) = stack.wait("before.mp4")
    # As jobs leave them that are cut off: small jobs that hold all workers, and whose executions have ended.
    held = [
        {"run": f"r{number}", "execution": before["executionArn"], "tasks": 90, "share": 90, "told": 90, "seen": 0}
        for number in range(10)
    ]
    body = json.dumps({"leases": held}).encode()
    stack.client("s3").put_object(Bucket=stack.media, Key=f"{TURNS}leases.json", Body=body)
    stack.upload("after.mp4", small.read_bytes())
    (after,) = stack.wait("after.mp4")
    assert after["status"] == "SUCCEEDED", after
    assert leases(stack) == []


@pytest.mark.long
def test_twenty_uploads_at_once_end_each_by_itself(stack: Stack, small: Path) -> None:
    good, every = "storm/11.mp4", [f"storm/{number}.mp4" for number in range(20)]
    for key in every:
        stack.upload(key, small.read_bytes() if key == good else b"Dear Sir or Madam,\n" * 50)
    ends = {key: json.loads(stack.wait(key, seconds=240)[-1]["output"])["status"] for key in every}
    assert ends == dict.fromkeys(every, "refused") | {good: "complete"}
    assert leases(stack) == []
