"""`status`, `cancel` and `resume` on jobs of this machine, from another terminal."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from clips.make import ClipSpec, make_clip
from e2e.driving import job, made, media, published, streamify, wait_for
from e2e.halting import Halt

FLAGS = ("--ladder", "240p", "--segment-seconds", "0.5", "--keyframe-seconds", "0.5", "--preset", "medium",
         "--workers", "1")  # fmt: skip


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(20), rate=Fraction(24), size=(426, 240), gop=24, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return made(source, tmp_path_factory.mktemp("undisturbed"), *FLAGS)


@pytest.mark.long
def test_a_job_is_looked_at_stopped_and_gone_on_with_from_another_terminal(
    source: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 10)
    with job(tmp_path / "events", source, dest, *FLAGS, env=halt.env) as running:
        wait_for(lambda: len(running.events("segment.finished")) >= 50)  # 40 of sound, 10 of 40 pictures
        seen = streamify("status", dest, "--json").json
        assert seen["state"] == "running"
        assert (seen["run"]["pid"], seen["run"]["outcome"]) == (running.process.pid, None)
        assert 50 <= seen["done"] < seen["total"] == 80
        assert seen["share"] == pytest.approx((seen["done"] - 40) / 40, abs=0.001)
        assert 0 < seen["seconds_left"] < 100
        cancelled = streamify("cancel", dest, "--json")
        assert running.process.poll() is not None or running.process.wait(60) is not None  # it has ended by then
        ended = running.end()
        assert running.orphans() == []
    assert (cancelled.code, cancelled.json["cancelled"], cancelled.json["status"]) == (0, True, "cancelled")
    assert (ended.code, "[cancelled]" in ended.line, f"streamify resume {dest}" in ended.line) == (143, True, True)
    assert "report.json" not in published(dest)
    assert streamify("status", dest).out.startswith(f"{dest}: cancelled, ")
    assert streamify("status", dest, "--json").json["state"] == "cancelled"
    second = streamify("cancel", dest, "--json").json
    assert (second["cancelled"], second["status"]) == (False, "cancelled")
    resumed = streamify("resume", dest, "--json")
    assert resumed.code == 0
    assert resumed.json["tasks_reused"] >= 50
    assert media(dest) == undisturbed
    assert str(source).encode() not in (dest / "report.json").read_bytes()
    assert streamify("status", dest).out.startswith(f"{dest}: complete, 80 of 80 segments finished\n")


def test_a_job_whose_process_was_killed_is_interrupted(source: Path, tmp_path: Path) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 3)
    with job(tmp_path / "events", source, dest, *FLAGS, env=halt.env) as running:
        wait_for(lambda: running.events("segment.finished"))
        wait_for(lambda: _stopped_at_work(running.process, dest))
        running.process.kill()
        running.process.wait()
        wait_for(lambda: not running.orphans(), fault=True)
    seen = streamify("status", dest, "--json").json
    assert (seen["state"], seen["run"]["outcome"], seen["seconds_left"]) == ("interrupted", None, None)
    told = streamify("explain", dest, "--json").json
    assert told["findings"][0]["cause"] == "run-lost"
    run = told["run"]
    whole = sum(run["spent"].values()) + run["lost"] + sum(run["idle"].values())
    assert whole == pytest.approx(run["wall_seconds"] * run["workers"], rel=0.01)
    assert run["running"]
    assert all(one["task"] in told["findings"][0]["text"] for one in run["running"])
    assert streamify("cancel", dest, "--json").json["status"] == "interrupted"


def _stopped_at_work(process: subprocess.Popen[str], dest: Path) -> bool:
    """Stop a job while one of its tasks is kept as running; between two tasks, let it go on and return False."""
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    if streamify("explain", dest, "--json").json["run"]["running"]:
        return True
    process.send_signal(signal.SIGCONT)
    return False


def test_dest_is_held_while_the_source_is_split(tmp_path: Path, source: Path) -> None:
    """A job of other settings that starts before the first one has its plan is refused."""
    dest, halt = tmp_path / "dest", Halt(tmp_path, 3)
    with job(tmp_path / "one", source, dest, *FLAGS, "--preset", "ultrafast", env=halt.env) as one:
        wait_for(lambda: (dest / ".streamify" / "job.json").exists())
        one.process.send_signal(signal.SIGSTOP)
        seen = streamify("status", dest, "--json").json
        busy = streamify("transcode", source, dest, *FLAGS, "--crf", "31")
        one.process.send_signal(signal.SIGCONT)
        halt.release()
        assert (seen["state"], seen["source"]) == ("running", source.name)
        assert (busy.code, "[dest-busy]" in busy.line, f"process {one.process.pid}" in busy.line) == (5, True, True)
        assert one.end().code == 0


def test_what_resume_cannot_do(source: Path, tmp_path: Path) -> None:
    copy, dest, halt = tmp_path / "video.mp4", tmp_path / "dest", Halt(tmp_path, 3)
    shutil.copy(source, copy)
    with job(tmp_path / "events", copy, dest, *FLAGS, env=halt.env) as running:
        wait_for(lambda: running.events("segment.finished"))
        running.process.send_signal(signal.SIGTERM)
        assert running.end().code == 143
    with copy.open("ab") as file:
        file.write(b"\0\0\0\x08free")
    changed = streamify("resume", dest)
    assert (changed.code, "[source-changed]" in changed.line, "--replace" in changed.line) == (3, True, True)
    copy.unlink()
    gone = streamify("resume", dest)
    assert (gone.code, "[source-missing]" in gone.line) == (3, True)
    (dest / ".streamify" / "job.json").unlink()  # as a job of an earlier version
    unknown = streamify("resume", dest)
    assert (unknown.code, "[job-unknown]" in unknown.line, "streamify transcode SOURCE" in unknown.line) == (
        5,
        True,
        True,
    )


@pytest.mark.long
def test_a_cancel_that_is_older_than_the_run_does_not_stop_it(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    (dest / ".streamify").mkdir(parents=True)
    (dest / ".streamify" / "cancel.json").write_text(json.dumps({"schema": 1, "token": "x", "requested": time.time()}))
    assert streamify("transcode", source, dest, *FLAGS, "--preset", "ultrafast").code == 0
