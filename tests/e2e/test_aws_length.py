"""What the functions read and hold, over films of a minute, an hour and ten hours in S3, and over one of 50 GB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clips.long_mp4 import write_long_mp4
from clouds import Cloud, Kind
from e2e.stepping import Buckets
from faults import proxy
from faults.proxy import Proxy
from stores import open_storage

FUNCTION = """
import json, pathlib, psutil, resource, sys, time
name, memory, event = sys.argv[1], int(sys.argv[2]) << 20, json.loads(sys.argv[3])
from streamify.backends.aws.functions import start as begin
from streamify.backends.aws.functions import handlers
begin._is_running = lambda *_: False
resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
began = time.monotonic()
answer = getattr(handlers, name)(event, None)
took = time.monotonic() - began
def most(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
peak = sum(map(most, ("self", *(one.pid for one in psutil.Process().children()))))  # the decoder is another process
print(json.dumps([answer, peak, took]))
"""
LAMBDA_SECONDS = 900
HOUR = 3600


class Call(NamedTuple):
    """What one call of a function, in a fresh process, came to."""

    answer: dict[str, Any]
    peak: int
    """Bytes."""
    seconds: float
    read: int
    """Bytes of the source."""
    payload: int
    """Bytes of its event."""


class Film(NamedTuple):
    """A film, planned."""

    split: Call
    middle: Callable[[str], Call]
    """Calls the transcoder for the item in the middle of those of a kind."""


@pytest.fixture(scope="module")
def way(cloud: Callable[[Kind], Cloud]) -> Iterator[Proxy]:
    with proxy.before(cloud("s3")) as found:
        yield found


@pytest.fixture
def call(way: Proxy, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Call]:
    way.cloud.enter(monkeypatch)
    monkeypatch.setenv("SETTINGS", json.dumps({"ladder": "180p,144p", "preset": "ultrafast"}))

    def run(name: str, memory: int, event: dict[str, Any]) -> Call:
        way.forget()
        text = json.dumps(event)
        command = [sys.executable, "-c", FUNCTION, name, str(memory), text]
        done = subprocess.run(
            command, env=os.environ | {"MALLOC_ARENA_MAX": "1"}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        answer, peak, seconds = json.loads(done.stdout.splitlines()[-1])
        return Call(answer, peak, seconds, sum(way.read[key] for key in way.files), len(text))

    return run


@pytest.fixture
def film(
    way: Proxy, call: Callable[..., Call], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[int, int], Film]:
    def plan(seconds: int, size: int) -> Film:
        buckets = Buckets(way.cloud)
        monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
        key = f"{seconds}.mp4"
        write_long_mp4(tmp_path / key, seconds, size)
        way.files = {key: tmp_path / key}
        request = {"source": f"{buckets.uploads}/{key}", "dest": f"{buckets.media}/{key}"}
        arn = f"arn:aws:states:us-east-1:0:execution:streamify:film-{seconds}"
        split = call("split", 3008, {"input": request, "execution": arn, "started": "2026-11-24T10:00:00.123Z"})
        assert split.answer["status"] == "planned", split.answer
        items = open_storage(f"s3://{split.answer['items']['bucket']}").get(split.answer["items"]["key"]) or b""
        lines = [json.loads(line) for line in items.splitlines()]

        def middle(kind: str) -> Call:
            fitting = [one for one in lines if one["key"].startswith(kind)]
            found = call("transcode", 1769, {"run": split.answer["run"], "item": fitting[len(fitting) // 2]})
            assert found.answer["status"] == "done", found.answer
            tell(kind, found)
            return found

        def tell(what: str, one: Call) -> None:  # shown with -rP
            line = f"{seconds} s, {what}: read {one.read / 1e6:.1f} MB, peak {one.peak >> 20} MiB, {one.seconds:.1f} s"
            sys.stdout.write(f"{line}\n")

        tell("split", split)
        return Film(split, middle)

    return plan


@pytest.mark.timeout(600)
@pytest.mark.long
def test_what_a_task_reads_and_holds_does_not_depend_on_the_length_of_the_film(
    film: Callable[[int, int], Film],
) -> None:
    minute, longest = film(60, 0).middle("video/"), film(10 * HOUR, 0)
    video, audio = longest.middle("video/"), longest.middle("audio/")
    hour = film(HOUR, 0).middle("video/")
    assert video.read <= hour.read < 4_000_000  # 6 s of 5 Mbit/s, and what is read ahead
    assert audio.read < 1_000_000  # of five minutes; a film of an hour takes the same
    assert max(video.peak, audio.peak) < 1.1 * minute.peak
    assert max(video.payload, audio.payload) < minute.payload + 100
    assert longest.split.peak < 1 << 30
    assert longest.split.seconds < LAMBDA_SECONDS / 10


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hours_in_50_gb_are_planned_well_inside_the_limits(film: Callable[[int, int], Film]) -> None:
    found = film(2 * HOUR, 50_000_000_000)
    assert found.split.read < 40_000_000
    assert found.split.peak < 512 << 20
    assert found.split.seconds < LAMBDA_SECONDS / 10
    assert found.middle("video/").read < 4_000_000
