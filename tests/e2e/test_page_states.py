"""The states that the page is told equal the ledger, and what `status` says, at every moment."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import COMMAND, playing, rungs, wait_for
from e2e.halting import Halt
from streamify.jobs.found import FoundJob
from streamify.model.location import Location
from streamify.storage.local import LocalStorage

FLAGS = ["--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "medium", "--workers", "1"]
SECONDS = 40
Cells = set[tuple[str, int]]


def told(url: str) -> dict[str, Any]:
    """Return the snapshot that a page gets now."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", "/_play/job")
        answer = connection.getresponse()
        while not (line := answer.readline()).startswith(b"data: "):
            pass
        found: dict[str, Any] = json.loads(line[6:])
        answer.close()
        return found
    finally:
        connection.close()


@contextmanager
def opened(url: str) -> Iterator[None]:
    """Keep a page open: changes are taken, and segments looked for that nobody tells, only while there is one."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", "/_play/job")
    answer = connection.getresponse()
    try:
        yield
    finally:
        answer.close()
        connection.close()


def cells(snapshot: dict[str, Any], letters: str = "de") -> Cells:
    """Return (track, segment) of what is in one of some states."""
    found: Cells = set()
    for track, text in zip(snapshot["tracks"], snapshot["cells"], strict=True):
        states = "".join(letter * int(count) for letter, count in re.findall(r"([a-z])(\d+)", text))
        assert len(states) == snapshot["segments"]
        found |= {(track["id"], number) for number, state in enumerate(states) if state in letters}
    return found


def shown(url: str, letters: str = "de") -> Cells:
    """Return (track, segment) of what the page shows in one of some states."""
    return cells(told(url), letters)


def ledger(dest: Path) -> Cells:
    return {(path.parent.name, int(path.stem)) for path in dest.glob(".streamify/ledger/*/*.json")}


def pictures(dest: Path) -> int:
    """Return how many segments the track of pictures has that has most of them."""
    return max(Counter(track for track, _ in ledger(dest) if track.startswith(("180p", "120p"))).values(), default=0)


@pytest.fixture
def job(shared: Path, tmp_path: Path) -> tuple[Path, list[str]]:
    """A source, and flags."""
    spec = ClipSpec(seconds=Fraction(SECONDS), rate=Fraction(25), size=(320, 180), gop=50, bframes=2)
    ladder = tmp_path / "small.yaml"
    ladder.write_text(json.dumps(rungs(180, 120)))
    return make_clip(spec, shared / "clips").path, ["--ladder", str(ladder), *FLAGS]


@contextmanager
def transcoding(*args: object, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start ``streamify transcode ARGS``, which writes no events; whatever happens, nothing of it stays."""
    with subprocess.Popen([COMMAND, "-q", "transcode", *map(str, args)], env=env) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.long
def test_what_the_page_is_told_equals_the_ledger_and_the_status_at_ten_moments(
    job: tuple[Path, list[str]], tmp_path: Path
) -> None:
    (source, flags), dest, halt = job, tmp_path / "dest", Halt(tmp_path, 0)
    with playing(source, dest, *flags, env=halt.env) as play, opened(play.url):
        total = 3 * int(wait_for(lambda: told(play.url)["segments"]))
        for most in range(3, 33, 3):
            halt.allow(most)
            wait_for(lambda most=most: pictures(dest) >= most)  # type: ignore[misc]
            before, there = shown(play.url), ledger(dest)
            status = streamify.status(dest)
            after = ledger(dest)
            assert before <= there
            assert len(there) <= status.done <= len(after)
            running = {
                (track, segment) for track, segment in shown(play.url, "r") if track.startswith(("180p", "120p"))
            }
            assert len(running) <= 2 * 2  # of one worker's task, and of the one that is about to begin
            assert 0 < len(there) < total
            wait_for(lambda after=after: after <= shown(play.url))  # type: ignore[misc]
        halt.release()
        wait_for(lambda: told(play.url)["state"] == "complete")
        assert len(shown(play.url)) == total
        assert shown(play.url) == ledger(dest)
        key = min(shown(play.url))
        detail = json.loads(play.get(f"_play/job/{key[0]}/{key[1]}"))
        entry = json.loads((dest / f".streamify/ledger/{key[0]}/{key[1]:05d}.json").read_text())
        assert (detail["state"], detail["made"]["bytes"]) == ("d", entry["media"]["size"])
        [attempt] = detail["attempts"]
        assert attempt["outcome"] == "finished"
        assert 0 < attempt["ended"] - attempt["started"] < time.time() - told(play.url)["times"]["started"]
        assert play.end() == 130


@pytest.mark.long
def test_a_job_of_another_process_is_seen_by_what_lies_at_dest(job: tuple[Path, list[str]], tmp_path: Path) -> None:
    (source, flags), dest, halt = job, tmp_path / "dest", Halt(tmp_path, 4)
    with transcoding(source, dest, *flags, env=halt.env) as other:
        wait_for(lambda: pictures(dest) > 3)
        found = FoundJob(Location.of_dest(str(dest)), LocalStorage(dest), lambda _: False)
        wait_for(lambda: [row for row in found.snapshot(time.time())["attempts"] if row[7] == "r"])
        first = found.snapshot(time.time())
        assert (first["state"], first["source"], first["workers"]) == ("making", source.name, 1)
        for most in (10, 20, 30):
            halt.allow(most)
            wait_for(lambda most=most: pictures(dest) >= most)  # type: ignore[misc]
            before = ledger(dest)
            wait_for(lambda before=before: before <= cells(found.snapshot(time.time())))  # type: ignore[misc]
            assert cells(found.snapshot(time.time())) <= ledger(dest)
        halt.release()
        assert other.wait(120) == 0
        wait_for(lambda: found.snapshot(time.time())["state"] == "complete")
    last = found.snapshot(time.time())
    assert cells(last) == ledger(dest)
    assert (last["share"], last["report"]) == (1, True)
    assert {row[7] for row in last["attempts"]} == {"d"}
    detail = found.detail(*min(cells(last)))
    assert detail is not None
    assert [one["outcome"] for one in detail["attempts"]] == ["finished"]


def test_a_job_that_was_killed_is_told_as_interrupted(job: tuple[Path, list[str]], tmp_path: Path) -> None:
    (source, flags), dest, halt = job, tmp_path / "dest", Halt(tmp_path, 4)
    with transcoding(source, dest, *flags, env=halt.env) as other:
        wait_for(lambda: len(ledger(dest)) > 3)
        other.kill()
    wait_for(lambda: streamify.status(dest).state != "running")
    found = FoundJob(Location.of_dest(str(dest)), LocalStorage(dest), lambda _: False)
    told = found.snapshot(time.time())
    assert (told["state"], told["error"]) == ("failed", "it was interrupted; resume it")
    assert cells(told) == ledger(dest)
    assert cells(told, "ra") == set()


def test_while_a_stream_is_replaced_nothing_of_the_old_one_is_shown(
    job: tuple[Path, list[str]], tmp_path: Path
) -> None:
    (source, flags), dest, halt = job, tmp_path / "dest", Halt(tmp_path, 4)
    spec = ClipSpec(seconds=Fraction(2), rate=Fraction(25), size=(214, 120), gop=50)
    old = make_clip(spec, tmp_path / "clips").path
    streamify.transcode(old, dest, ladder=rungs(120), preset="ultrafast", engine="inline")
    before = {path.name for path in dest.glob("video/*")}
    found = FoundJob(Location.of_dest(str(dest)), LocalStorage(dest), lambda _: True)
    assert found.snapshot(time.time())["state"] == "complete"
    with transcoding(source, dest, *flags, "--replace", env=halt.env) as other:
        wait_for(lambda: streamify.status(dest).state == "running")
        found = FoundJob(Location.of_dest(str(dest)), LocalStorage(dest), lambda _: False)
        while not cells(told := found.snapshot(time.time())):
            assert not told["report"]
            assert not {track["id"] for track in told["tracks"]} & before
            time.sleep(0.02)
        other.kill()
    assert told["state"] == "making"
    assert not {track["id"] for track in told["tracks"]} & before
