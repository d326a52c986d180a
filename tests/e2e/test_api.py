"""The Python API with real jobs: followed, stopped, awaited, and ended by its own callback."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import media, published, rungs, wait_for
from e2e.halting import Halt
from selection import sample

SETTINGS: streamify.SettingsDict = {"segment_seconds": 1, "keyframe_seconds": 1, "workers": 1}
QUICK: streamify.SettingsDict = {**SETTINGS, "ladder": rungs(96), "preset": "ultrafast"}
SLOW: streamify.SettingsDict = {**SETTINGS, "ladder": rungs(180, 144), "preset": "slow"}
KINDS = ("job.started", "plan.ready", "task.started", "segment.finished", "job.finished")

PROGRAM = """
import sys, streamify
with streamify.start(sys.argv[1], sys.argv[2], preset="veryslow", segment_seconds=1, keyframe_seconds=1) as job:
    for event in job.events():
        print(event.kind, flush=True)
    job.result()
"""


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(6), rate=Fraction(25), size=(320, 180), gop=25, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture
def halt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Halt]:
    """Stops the workers of this process when two segments are made."""
    found = Halt(tmp_path, 2)
    monkeypatch.setenv("PYTHONPATH", found.env["PYTHONPATH"])
    yield found
    found.release()


@pytest.mark.long
def test_two_jobs_run_side_by_side_and_can_be_followed(source: Path, tmp_path: Path) -> None:
    jobs = [streamify.start(source, tmp_path / name, **QUICK) for name in "ab"]
    kinds = [[event.kind for event in job.events()] for job in jobs]
    reports = [job.result(60) for job in jobs]
    assert media(tmp_path / "a") == media(tmp_path / "b") != {}
    for seen, report in zip(kinds, reports, strict=True):
        assert (seen[0], seen[-1]) == ("job.started", "job.finished")
        assert seen.count("segment.finished") == report.tasks_run == 12
    assert streamify.status(tmp_path / "a").state == "complete"


@pytest.mark.long
@pytest.mark.parametrize("engine", sample(["inline", "local"], "local"))
def test_a_cancelled_job_stops_soon_and_the_same_call_goes_on(
    source: Path, tmp_path: Path, engine: streamify.Engine, halt: Halt, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "inline":
        halt.enter(monkeypatch)
    settings: streamify.SettingsDict = {**SLOW, "engine": engine}
    with streamify.start(source, tmp_path / "dest", **settings) as job:
        while next(job.events()).kind != "segment.finished":
            pass
        job.cancel()
        if engine == "inline":
            halt.release()  # nobody ends a task that waits in this process
        with pytest.raises(streamify.Interrupted):
            job.result(60)
    halt.release()
    assert "report.json" not in published(tmp_path / "dest")
    report = streamify.transcode(source, tmp_path / "dest", **settings)
    assert report.tasks_reused > 0


@pytest.mark.parametrize(
    ("kind", "engine"),
    sample(
        itertools.product(KINDS, ("inline", "local")),
        ("segment.finished", "inline"), ("task.started", "local"),
    ),
)  # fmt: skip
def test_an_exception_of_the_callback_ends_the_job_and_is_raised(
    source: Path, tmp_path: Path, engine: streamify.Engine, kind: str
) -> None:
    def full(event: streamify.Event) -> None:
        if event.kind == kind:
            raise ZeroDivisionError("the callback's own")

    settings: streamify.SettingsDict = {**QUICK, "engine": engine}
    with pytest.raises(ZeroDivisionError, match="the callback's own"):
        streamify.transcode(source, tmp_path / "dest", on_event=full, **settings)
    report = streamify.transcode(source, tmp_path / "dest", **settings)
    assert (report.tasks_reused > 0) == (kind in ("segment.finished", "job.finished"))


def test_a_job_is_seen_cancelled_and_resumed_by_its_dest(source: Path, tmp_path: Path, halt: Halt) -> None:
    dest = tmp_path / "dest"
    with streamify.start(source, dest, **SLOW) as job:
        while next(job.events()).kind != "segment.finished":
            pass
        seen = streamify.status(dest)
        assert (seen.state, seen.source) == ("running", source.name)
        assert streamify.cancel(dest).cancelled
        assert isinstance(job.exception(60), streamify.JobCancelled)
    assert streamify.status(dest).state == "cancelled"
    halt.release()
    report = streamify.resume(dest)
    assert report.tasks_reused > 0
    assert streamify.status(dest).state == "complete"
    assert not streamify.cancel(dest).cancelled


def test_a_cancelled_asyncio_task_leaves_no_job_behind(source: Path, tmp_path: Path, halt: Halt) -> None:
    seen: list[streamify.Event] = []

    async def main() -> streamify.Report:
        dest = tmp_path / "dest"
        task = asyncio.create_task(streamify.transcode_async(source, dest, on_event=seen.append, **SLOW))
        while not any(event.kind == "segment.finished" for event in seen):
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen[-1].kind == "job.failed"
        halt.release()
        return await streamify.transcode_async(source, dest, **SLOW)

    assert asyncio.run(main()).tasks_reused > 0


def test_a_bad_setting_is_refused_before_a_thread_starts(source: Path, tmp_path: Path) -> None:
    with pytest.raises(streamify.UsageError, match="presett"):
        streamify.start(source, tmp_path / "dest", presett="fast")  # type: ignore[call-arg]
    with pytest.raises(streamify.UsageError, match="SOURCE is empty"):
        streamify.start("", tmp_path / "dest")


@pytest.mark.long
def test_ctrl_c_in_a_program_that_waits_stops_the_job_and_ends_the_program(clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(clip), str(tmp_path / "dest")]
    log, env = tmp_path / "log", Halt(tmp_path, 2).env
    with (
        log.open("w") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env=env) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        wait_for(lambda: "segment.finished" in log.read_text())
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert "streamify.errors" not in err
    assert "report.json" not in published(tmp_path / "dest")
