"""The line of each call, judged by the rules of CloudWatch's specification of the embedded metric format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamify.backends.aws.functions.observe import Watch

EVENT = {
    "run": {"id": "run-1", "places": {"media": "s3://media/a.mp4"}},
    "item": {"key": "video/00000/1080p", "seconds": 0.5},
}
UNITS = {"Seconds", "Megabytes", "Count", "None"}
"""Of those that `MetricDatum` lists."""


class Context:
    aws_request_id = "8f2b"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def watch(lines: list[str]) -> Watch:
    return Watch(lambda: 500 << 20, lines.append)


def read(line: str) -> dict[str, Any]:
    """Return a line, and demand what the specification demands."""
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    told = found["_aws"]
    assert set(told) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(told["Timestamp"], int)
    assert told["Timestamp"] > 1_700_000_000_000  # milliseconds
    for directive in told["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Dimensions"]
        for name in {name for dimensions in directive["Dimensions"] for name in dimensions}:
            assert isinstance(found[name], str)
            assert found[name]  # CloudWatch knows no empty value of a dimension
        assert len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert metric["Unit"] in UNITS
            assert type(found[metric["Name"]]) in (int, float)
    return found


def test_a_task_that_was_done(watch: Watch, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "streamify-TranscodeFunction-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
    for _ in range(2):
        with watch.call("transcode", EVENT, Context()) as said:
            said |= {"outcome": "done", "attempt": 1}
    first, second = map(read, lines)
    known = {
        "run": "run-1", "key": "video/00000/1080p", "dest": "s3://media/a.mp4", "request_id": "8f2b", "memory": 1769,
        "outcome": "done", "level": "INFO", "attempt": 1, "FunctionName": "streamify-TranscodeFunction-1",
        "PredictedSeconds": 0.5, "Lost": 0, "Failed": 0,
    }  # fmt: skip
    assert known.items() <= first.items()
    assert (first["ColdStarts"], second["ColdStarts"]) == (1, 0)
    assert first["PeakMemory"] > 500
    assert first["Ratio"] == pytest.approx(first["Seconds"] / 0.5, abs=0.002)


def test_what_is_raised_is_told_and_goes_on(watch: Watch, lines: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), watch.call("transcode", EVENT, None):
        raise ZeroDivisionError
    found = read(lines[0])
    assert (found["outcome"], found["level"], found["Lost"]) == ("bug", "ERROR", 1)


def test_a_split_names_its_execution(watch: Watch, lines: list[str]) -> None:
    with watch.call("split", {"execution": "arn:aws:states:us-east-1:1:execution:streamify:run-7"}, None) as said:
        said |= {"outcome": "failed", "code": "source-not-media", "cause": "a text file"}
    found = read(lines[0])
    assert (found["run"], found["code"], found["Failed"], found["level"]) == ("run-7", "source-not-media", 1, "ERROR")
    assert "Ratio" not in found
