"""What the functions refuse at once, each with one error that says how to mend it; nothing is begun."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.stepping import KEY, SETTINGS, Buckets
from stores import open_storage
from streamify.backends.aws.functions import handlers


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "source-empty"), (b"hello, no video\n" * 20, "source-not-media"), (None, "source-missing")]
)
def test_what_cannot_be_used_is_refused_at_once(buckets: Buckets, data: bytes | None, code: str) -> None:
    if data is not None:
        open_storage(buckets.uploads).put(KEY, data)
    answer = buckets.split()
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("refused", code, 3)
    assert answer["job"]["source"] == f"{buckets.uploads}/{KEY}"


def test_a_dest_with_files_of_somebody_else_is_left_alone(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    buckets.dest.put("holiday.jpg", b"x")
    answer = buckets.split()
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("failed", "dest-occupied", 5)
    assert [one.key for one in buckets.dest.list()] == ["holiday.jpg"]


def test_caps_and_unknown_settings(buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setenv("MAX_SOURCE_BYTES", "1000")
    assert buckets.split()["error"]["exit_code"] == 7
    monkeypatch.setenv("MAX_SOURCE_BYTES", "0")
    monkeypatch.setenv("SETTINGS", '{"laddder": "auto"}')
    refused = buckets.split()["error"]
    assert (refused["exit_code"], "laddder" in refused["cause"]) == (2, True)


def test_a_job_that_would_cost_too_much_is_refused_before_the_map(
    buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setenv("MAX_COST", "0.0001")  # six tasks alone are twelve transitions: $0.0003
    refused = buckets.split()
    assert (refused["status"], refused["error"]["code"], refused["error"]["exit_code"]) == (
        "refused",
        "cost-too-high",
        7,
    )
    assert "$0.0001" in refused["error"]["cause"]
    monkeypatch.setenv("MAX_COST", "0")
    request = {"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}"}
    cheap = buckets.split(request | {"settings": SETTINGS | {"max_cost": 0.0001}})
    assert cheap["error"]["code"] == "cost-too-high"
    planned = buckets.split(request | {"settings": SETTINGS | {"max_cost": 1}})
    assert planned["status"] == "planned"


def test_a_folder_is_no_job(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put("film", clip.read_bytes())
    event = buckets.event()
    event["detail"]["object"]["key"] = "film/"
    answer = buckets.split(event)
    assert (answer["status"], answer["reason"]) == ("duplicate", "it is a folder, no file")


def test_a_key_too_long_for_what_lies_below_it(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    dest = f"{buckets.media}/{'d' * 250}/{'e' * 250}/{'f' * 400}"
    answer = buckets.split({"source": f"{buckets.uploads}/{KEY}", "dest": dest})
    assert (answer["error"]["code"], answer["error"]["exit_code"]) == ("location-url", 2)


@pytest.mark.parametrize("settings", ["{ladder: 360p}", "[]", "null", "5", '"x"'])
def test_settings_of_the_stack_that_are_none(
    settings: str, buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setenv("SETTINGS", settings)
    answer = buckets.split()
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("failed", "aws-settings", 2)


ODD: list[Any] = [
    {}, [], 5, "text", None,
    {"source": "s3://a/b"},
    {"source": "s3://a/b", "dest": "s3://c", "x": 1},
    {"source": "s3://a/b", "dest": "s3://c", "settings": 5},
    {"source": "s3://a/b", "dest": "s3://c", "resume": "maybe"},
    {"source": 5, "dest": "s3://c"},
    {"source": "/etc/passwd", "dest": "s3://c"},
    {"source": "s3://a/b", "dest": "/tmp/x"},
    {"source": "gs://a/b", "dest": "s3://c"},
    {"source": "s3://a/b", "dest": "gs://c"},
    {"detail-type": "Object Created"},
    {"detail-type": "Object Created", "detail": {"bucket": {"name": 1}, "object": {"key": None}}},
]  # fmt: skip


@pytest.mark.parametrize("given", ODD, ids=json.dumps)
def test_an_input_that_is_neither_event_nor_request(given: Any, buckets: Buckets) -> None:
    answer = handlers.split({"input": given, "execution": "arn:1", "started": "2026-11-24T00:00:00Z"}, None)
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("refused", "aws-input", 2)
    assert "s3://..." in answer["error"]["hint"]
