"""Two thousand tasks in one job, and what the state machine carries: it must not grow with the length of the film."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from clips.long_mp4 import write_long_mp4
from emulator import Stack

STATE = 256 * 1024
"""Bytes that a state may take or give (AWS quota)."""
EVENTS = 25_000
"""Of one execution (AWS quota)."""
RUNGS = [{"name": f"{side}p", "short_side": side, "maxrate": 50_000} for side in (36, 18)]
SETTINGS = {"ladder": RUNGS, "segment_seconds": 0.5, "keyframe_seconds": 0.5, "preset": "ultrafast"}


Run = Callable[[int], dict[str, Any]]


@pytest.fixture(scope="module")
def run(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the execution over a film of so many seconds, four tasks each; it runs when it is first asked for."""

    @cache
    def execution(seconds: int) -> dict[str, Any]:
        path: Path = tmp_path_factory.mktemp("wide") / "film.mp4"
        write_long_mp4(path, seconds, every=15, noise=False)  # what counts here is the number of tasks
        stack.client("s3").put_object(Bucket=stack.uploads, Key=f".ignored/{seconds}.mp4", Body=path.read_bytes())
        request = {
            "source": f"s3://{stack.uploads}/.ignored/{seconds}.mp4",
            "dest": f"s3://{stack.media}/wide/{seconds}",
        }
        return stack.end(stack.start(request | {"settings": SETTINGS}), seconds=400)

    return execution


def carried(stack: Stack, arn: str) -> tuple[int, int]:
    """Return the number of an execution's events and the most bytes that a state took or gave."""
    events = stack.history(arn)
    details = [value for event in events for value in event.values() if isinstance(value, dict)]
    texts = [one.get(name) or "" for one in details for name in ("input", "output", "parameters", "cause")]
    return len(events), max(len(text.encode()) for text in texts)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_job_of_two_thousand_tasks_ends_complete(stack: Stack, run: Run) -> None:
    execution = run(500)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.media, Prefix="wide/500/video/")
    keys = [one["Key"] for page in pages for one in page["Contents"]]
    assert len([key for key in keys if key.endswith(".m4s")]) == 2000
    body = stack.client("s3").get_object(Bucket=stack.media, Key="wide/500/report.json")["Body"]
    report = json.loads(body.read())
    assert report["certificate"]["encoded"] == 500 * 30
    assert len(stack.children(execution["executionArn"])) >= 2000


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_states_carry_does_not_grow(stack: Stack, run: Run) -> None:
    (few, small), (many, large) = (carried(stack, run(length)["executionArn"]) for length in (10, 500))
    assert few < EVENTS
    assert many < few + 10  # an attempt more, perhaps: not one event for each of two thousand tasks
    assert large < small + 100  # digits of counts and of keys
    assert large < STATE / 20
    for child in stack.children(run(500)["executionArn"])[::20]:
        events, most = carried(stack, child)
        assert events < 20
        assert most < STATE / 20


def test_no_state_of_any_job_here_carried_too_much(stack: Stack) -> None:
    pages = stack.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=stack.machine)
    arns = [one["executionArn"] for page in pages for one in page["executions"]]
    assert arns
    for arn in arns:
        events, most = carried(stack, arn)
        assert events < EVENTS / 20
        assert most < STATE / 4
