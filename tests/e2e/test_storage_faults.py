"""Jobs over an S3 that has a bad day, and over a source that does not stay what it was."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import streamify as api
from clips.make import Clip
from clouds import Cloud, Kind, media
from e2e.driving import streamify
from e2e.stepping import KEY, SETTINGS, Buckets
from faults import proxy
from faults.proxy import Faults, Passed, Proxy
from selection import sample
from stores import open_storage
from streamify.backends.aws.functions import handlers
from streamify.errors import DestinationError
from streamify.model.report import Report
from streamify.storage import object_errors

LADDER = ("--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start")
PUT = frozenset({"PUT"})
DAYS = {
    "10 % busy": Faults(busy=0.1),
    "20 % of answers to writes lost": Faults(lost=0.2, methods=PUT),
    "10 % reset, all of it slow": Faults(reset=0.1, delay=0.02),
    "10 % of bodies cut off": Faults(cut=0.1),
}


@pytest.fixture
def way(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.before(cloud("s3"), seed=11) as found:
        found.cloud.enter(monkeypatch)
        yield found


def names(location: str) -> list[str]:
    """Return all keys of a stream, without hashes and what orchestrators leave."""
    keys = (one.key for one in open_storage(location).list())
    kept = (key for key in keys if not key.startswith((".streamify/runs/", ".streamify/claim.json", ".streamify/lock")))
    return sorted(re.sub(r"-[0-9a-f]{8,16}(?=[/.])", "", key) for key in kept)


def check_whole(dest: str, local: Path, way: Proxy) -> None:
    """Make sure that a stream is the one that a quiet store would hold, and that the store was not quiet."""
    assert len([one for one in way.requests if one.fate != "passed"]) >= 3
    way.faults = Faults()
    assert names(dest) == names(str(local))
    assert media(dest) == media(str(local))
    report = Report.from_json(open_storage(dest).get("report.json") or b"")
    assert (report.tasks_run, report.tasks_reused, report.certificate.encoded) == (9, 0, 210)
    assert streamify("verify", dest).code == 0


@pytest.mark.long
@pytest.mark.parametrize("day", sample(DAYS, "10 % reset, all of it slow"))
def test_the_handlers_get_through(
    day: str, way: Proxy, clip: Path, ultrafast_stream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets = Buckets(way.cloud)
    monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    way.faults = DAYS[day]
    planned = buckets.split()
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    check_whole(f"{buckets.media}/{KEY}", ultrafast_stream, way)


@pytest.mark.parametrize("day", sample(DAYS))
def test_the_local_engine_gets_through(day: str, way: Proxy, clip: Path, ultrafast_stream: Path) -> None:
    bucket = way.cloud.make_bucket(f"b-{uuid.uuid4().hex}")
    open_storage(bucket).put(KEY, clip.read_bytes())
    way.faults = DAYS[day]
    ran = streamify("transcode", f"{bucket}/{KEY}", f"{bucket}/out", *LADDER)
    assert ran.code == 0, ran.err
    check_whole(f"{bucket}/out", ultrafast_stream, way)


class Moment:
    """Does something once, before a request that touches the source goes on.

    Args:
        way: Where requests are seen.
        method: Of the request.
        number: Which of them, from 1.
        planned: Whether they are counted from the plan on, or from the start.
        act: What is done.
    """

    def __init__(self, way: Proxy, method: str, number: int, *, planned: bool, act: Callable[[], object]) -> None:
        self.came = False
        self._method, self._left, self._counting, self._act = method, number, not planned, act
        way.watch = self._look

    def _look(self, request: Passed) -> None:
        self._counting = self._counting or (request.method == "PUT" and request.key.endswith("/plan.json"))
        if self._counting and not self.came and request.method == self._method and request.key == KEY:
            self._left -= 1
            if not self._left:
                self.came = True
                self._act()


MOMENTS = {  # the method, which of its requests, and whether they are counted from the plan on
    "before it is planned": ("HEAD", 2, False),
    "while it is planned": ("GET", 2, False),
    "before a task opens it": ("HEAD", 1, True),
    "between opening and reading": ("GET", 1, True),
    "while a task reads it": ("GET", 3, True),
}


@pytest.mark.parametrize("what", sample(["overwritten", "deleted"], "overwritten"))
@pytest.mark.parametrize("moment", sample(MOMENTS, "while a task reads it"))
def test_a_source_that_does_not_stay(
    moment: str, what: str, cloud: Callable[[Kind], Cloud], way: Proxy, card: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = way.cloud.make_bucket(f"b-{uuid.uuid4().hex}")
    cloud("s3").enter(monkeypatch)
    behind = open_storage(bucket)  # past the proxy
    way.cloud.enter(monkeypatch)
    behind.put(KEY, card.path.read_bytes())
    method, number, planned = MOMENTS[moment]
    other = card.path.read_bytes() + b"\0\0\0\x08free"
    act = (lambda: behind.put(KEY, other)) if what == "overwritten" else (lambda: behind.delete(KEY))
    come = Moment(way, method, number, planned=planned, act=act)
    ran = streamify("transcode", f"{bucket}/{KEY}", f"{bucket}/out", *LADDER, "--workers", "1", "--json")
    assert come.came, (ran.code, ran.err)
    error = ran.json["error"]
    assert ran.line
    assert (ran.code, error["code"]) == (3, "source-changed"), ran.err
    assert re.search("overwritten" if what == "overwritten" else "is gone|deleted", error["message"])
    if planned:
        told = streamify("status", f"{bucket}/out", "--json").json
        assert [one["code"] for one in told["failed"]] == ["source-changed"] * 4  # one for the sound, one a segment
    assert open_storage(f"{bucket}/out").names() <= {".streamify", "video", "audio"}


def break_down(way: Proxy, when: str) -> list[float]:
    """Make a store busy for good; return a list with the time at which that began."""
    began = [time.monotonic()]

    def look(request: Passed) -> None:
        if when == "from the start" or request.key.endswith("/plan.json"):
            way.faults = Faults(busy=1)
            way.watch = lambda _: None
            began[0] = time.monotonic()

    way.watch = look
    return began


@pytest.mark.parametrize("when", sample(["from the start", "from the plan on"], "from the plan on"))
def test_a_store_that_stays_busy_ends_the_job_in_bounded_time(
    when: str, way: Proxy, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_errors, "PATIENCE", 1)
    bucket = way.cloud.make_bucket(f"b-{uuid.uuid4().hex}")
    open_storage(bucket).put(KEY, clip.read_bytes())
    began = break_down(way, when)
    with pytest.raises(DestinationError) as caught:
        api.transcode(f"{bucket}/{KEY}", f"{bucket}/out", engine="inline", ladder="240p", preset="ultrafast")
    took = time.monotonic() - began[0]
    assert (caught.value.code, caught.value.exit_code) == ("storage-unavailable", 5)
    assert "SlowDown" in caught.value.message or "HTTP 503" in caught.value.message
    assert 0.5 < took < 60
    way.faults = Faults()
    assert open_storage(f"{bucket}/out").names() <= {".streamify", "video", "audio"}


@pytest.mark.long  # the default is half a minute
@pytest.mark.parametrize("when", ["from the start", "from the plan on"])
def test_a_store_that_stays_busy_ends_the_command_within_a_minute(when: str, way: Proxy, clip: Path) -> None:
    bucket = way.cloud.make_bucket(f"b-{uuid.uuid4().hex}")
    open_storage(bucket).put(KEY, clip.read_bytes())
    began = break_down(way, when)
    ran = streamify("transcode", f"{bucket}/{KEY}", f"{bucket}/out", *LADDER, "--json")
    took = time.monotonic() - began[0]
    assert ran.code == 5, ran.err
    assert ran.json["error"]["code"] == "storage-unavailable"
    assert "SlowDown" in ran.line or "HTTP 503" in ran.line
    assert 20 < took < 60
    way.faults = Faults()
    assert open_storage(f"{bucket}/out").names() <= {".streamify", "video", "audio"}


@pytest.mark.long
def test_a_store_that_stays_busy_is_left_to_the_state_machine(
    way: Proxy, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_errors, "PATIENCE", 2)
    buckets = Buckets(way.cloud)
    monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    item = buckets.items(planned)[0]
    way.faults = Faults(busy=1)
    with pytest.raises(handlers.TransientError):
        handlers.transcode(item, None)
    way.faults = Faults()
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}


def test_a_worker_opens_a_run_once(way: Proxy, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = Buckets(way.cloud)
    monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    way.forget()
    assert len(buckets.transcode(planned)) > 3
    read = [one.key for one in way.requests if one.method == "GET"]
    assert len([key for key in read if key.endswith("/plan.json")]) == 1
