"""One task of a job alone: the same bytes, nothing changed at DEST, and a debugger can stop in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import streamify as run
from streamify.jobs.keys import named
from streamify.model.plan import Plan
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan

SETTINGS = {"ladder": "360p,240p", "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """A folder with `in.mp4` and the finished job `dest`."""
    folder = tmp_path_factory.mktemp("job")
    shutil.copy2(make_clip(ClipSpec(seconds=Fraction(3), size=(640, 360)), shared / "clips").path, folder / "in.mp4")
    streamify.transcode(folder / "in.mp4", folder / "dest", engine="inline", **SETTINGS)  # type: ignore[arg-type]
    return folder


def plan_of(dest: Path) -> Plan:
    plan = read_plan(LocalStorage(dest))
    assert plan is not None
    return plan


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() + str(path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_a_task_gives_the_bytes_of_the_job_and_changes_nothing_there(job: Path, tmp_path: Path) -> None:
    before, dest = tree(job / "dest"), job / "dest"
    listed = run("run-task", dest, "--list", "--json").json["tasks"]
    assert [one["state"] for one in listed] == ["done"] * len(listed)
    assert [one["task"] for one in listed][:3] == [f"video/{index:05d}/360p,240p" for index in range(3)]
    for key in ("video/1/240p", listed[-1]["task"], "split"):
        done = run("run-task", dest, key, "--json")
        assert (done.code, done.json["job"], done.json["folder"]) == (0, "same", None)
    kept = tmp_path / "kept"
    said = run("run-task", dest, "video/00002/360p,240p", "--out", kept, "--json").json
    files = [file for file in said["files"] if file["key"].endswith(".m4s")]
    assert len(files) == 2
    for file in files:
        made = hashlib.sha256((kept / file["key"]).read_bytes()).hexdigest()
        assert made == file["sha256"] == hashlib.sha256((dest / file["key"]).read_bytes()).hexdigest()
    [attempt] = said["before"]
    assert (attempt["outcome"], attempt["number"]) == ("finished", 1)
    assert tree(dest) == before


def test_other_bytes_than_the_ledger_names_are_told(job: Path, tmp_path: Path) -> None:
    shutil.copytree(job / "dest", tmp_path / "dest")
    [entry] = (tmp_path / "dest/.streamify/ledger").glob("240p-*/00001.json")
    record = json.loads(entry.read_text())
    record["media"]["sha256"] = "0" * 64
    entry.write_text(json.dumps(record))
    done = run("run-task", tmp_path / "dest", "video/1/240p")
    assert done.code == 6
    assert "other bytes than the job's" in done.out


@pytest.mark.parametrize(
    ("key", "code", "words"),
    [
        ("video/3/240p", "task-unknown", "segments go from 0 to 2"),
        ("video/0/720p", "task-unknown", "no rendition '720p', but 360p, 240p"),
        ("video/x/240p", "task-unknown", "segments go from 0 to 2"),
        ("audio/fr/0", "task-unknown", "no audio track 'fr'"),
        ("certificate", "task-unknown", "such as split, video/00000/360p,240p, audio/"),
        ("loudness/und/0", "task-unknown", "not to be measured"),
    ],
)
def test_a_key_without_a_task_says_which_there_are(job: Path, key: str, code: str, words: str) -> None:
    with pytest.raises(streamify.UsageError) as caught:
        named(plan_of(job / "dest"), key)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_the_beginning_of_an_id_that_fits_several_tracks_is_ambiguous(job: Path) -> None:
    plan = plan_of(job / "dest")
    [track] = plan.audio
    other = track.model_copy(update={"id": f"{track.id[:-8]}00000000"})
    with pytest.raises(streamify.UsageError) as caught:
        named(plan.model_copy(update={"audio": (track, other)}), "audio/und/0")
    assert (caught.value.code, track.id in str(caught.value), other.id in str(caught.value)) == (
        "task-ambiguous", True, True,
    )  # fmt: skip


def test_a_source_that_is_gone_or_changed_is_told_and_a_copy_will_do(job: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(job, folder)
    record = folder / "dest/.streamify/job.json"
    record.write_text(record.read_text().replace(str(job), str(folder)))
    source, copy = folder / "in.mp4", folder / "copy.mp4"
    source.rename(copy)
    os.utime(copy)
    gone = run("run-task", folder / "dest", "video/0/240p")
    assert (gone.code, "[source-missing]" in gone.line, "--source" in gone.line) == (3, True, True)
    found = run("run-task", folder / "dest", "video/0/240p", "--source", copy, "--json")
    assert (found.code, found.json["job"]) == (0, "same")
    source.write_bytes(copy.read_bytes()[:-1] + b"x")
    changed = run("run-task", folder / "dest", "video/0/240p")
    assert (changed.code, "[source-changed]" in changed.line) == (3, True)


def test_a_ledger_entry_of_a_newer_release_is_named(job: Path, tmp_path: Path) -> None:
    shutil.copytree(job / "dest", tmp_path / "dest")
    entry = next((tmp_path / "dest/.streamify/ledger").glob("240p*/00001.json"))
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"schema": 99}))
    newer = run("run-task", tmp_path / "dest", "video/1/240p")
    key = entry.relative_to(tmp_path / "dest").as_posix()
    assert (newer.code, "[state-newer]" in newer.line, f"{key} at DEST" in newer.line) == (5, True, True), newer.err


def test_jobs_that_cannot_be_asked_say_why_in_one_line(job: Path, tmp_path: Path) -> None:
    for command in (("status",), ("explain",), ("run-task", "split")):
        name, *more = command
        nothing = run(name, tmp_path / "nothing", *more)
        assert (nothing.code, "[no-job]" in nothing.line) == (5, True)
        shutil.rmtree(tmp_path / "dest", ignore_errors=True)
        shutil.copytree(job / "dest", tmp_path / "dest")
        plan = tmp_path / "dest/.streamify/plan.json"
        plan.write_text(plan.read_text().replace('"schema":3', '"schema":99', 1))
        newer = run(name, tmp_path / "dest", *more)
        assert (newer.code, "[state-newer]" in newer.line, newer.line.count("\n")) == (5, True, 0)
        plan.write_text("{")
        damaged = run(name, tmp_path / "dest", *more)
        assert (damaged.code, "[plan-unreadable]" in damaged.line) == (5, True)
    for number in range(2):
        shutil.copytree(job / "dest", tmp_path / f"media/{number}")
    for name, *more in (("status",), ("explain",), ("run-task", "split"), ("clean",)):
        several = run(name, tmp_path / "media", *more)
        assert (several.code, "[job-ambiguous]" in several.line) == (5, True)
    [record] = (tmp_path / "media/0/.streamify/runs").glob("*/run.json")
    record.write_text("{")
    damaged = run("explain", tmp_path / "media/0")
    assert (damaged.code, "[state-damaged]" in damaged.line, str(record.name) in damaged.line) == (5, True, True)
    for folder in (job / "dest", job / "dest/video"):
        inside = run("run-task", job / "dest", "split", "--out", folder)
        assert (inside.code, "[task-folder]" in inside.line) == (2, True)
    unknown = run("explain", job / "dest", "--run", "2019")
    assert (unknown.code, "[run-unknown]" in unknown.line) == (2, True)


def test_a_debugger_stops_in_the_task(job: Path) -> None:
    commands = "import streamify.tasks.video\nb streamify.tasks.video.run_video\nc\np task.key\nq\n"
    said = subprocess.run(
        [sys.executable, "-m", "pdb", "-m", "streamify", "run-task", str(job / "dest"), "video/1/240p"],
        input=commands, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert "'video/00001/240p'" in said
