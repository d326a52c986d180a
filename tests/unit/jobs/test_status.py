"""Job status, by what is at its DEST."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from e2e.driving import streamify
from streamify.cli.show.summary import status_lines
from streamify.errors import DestinationError, Failure
from streamify.jobs.failures import write_failure
from streamify.jobs.hold import holding
from streamify.jobs.record import RunLog, local_claim, read_job
from streamify.jobs.status import job_status
from streamify.model.job import Claim, RunRecord
from streamify.model.location import Location
from streamify.model.status import JobStatus
from streamify.storage.local import LocalStorage


@pytest.fixture
def dest(stream: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream, tmp_path / "out"))


def look(dest: Path) -> JobStatus:
    return job_status(Location.of_dest(dest), LocalStorage(dest), lambda _: False)


def claim_of(dest: Path) -> Claim:
    record = read_job(LocalStorage(dest))
    assert record is not None
    return local_claim(record)


def test_a_finished_stream_is_complete(dest: Path) -> None:
    found = look(dest)
    assert (found.state, found.done, found.total, found.share) == ("complete", 9, 9, 1.0)
    assert [(one.name, one.done, one.total) for one in found.tracks] == [
        ("360p", 3, 3),
        ("240p", 3, 3),
        ("audio", 3, 3),
    ]
    assert found.finished == (dest / "report.json").stat().st_mtime
    assert found.execution is None
    assert found.run is not None
    assert (found.run.engine, found.run.outcome, found.run.error) == ("local", "complete", None)


def test_the_time_of_planning_is_not_that_of_the_end(dest: Path) -> None:
    found = look(dest)
    assert found.planned is not None
    assert found.finished is not None
    assert found.planned == (dest / ".streamify" / "plan.json").stat().st_mtime
    first = min(path.stat().st_mtime for path in dest.glob(".streamify/ledger/*/*.json"))
    assert found.planned <= first < found.finished


def test_what_is_missing_is_counted_by_rendition(dest: Path) -> None:
    (dest / "report.json").unlink()
    next(dest.glob("video/240p-*/00001.m4s")).unlink()
    next(dest.glob(".streamify/ledger/360p-*/00000.json")).unlink()
    next(dest.glob(".streamify/ledger/360p-*/00002.json")).unlink()
    found = look(dest)
    assert (found.state, found.done, found.finished) == ("interrupted", 6, None)
    assert [(one.name, one.done) for one in found.tracks] == [("360p", 1), ("240p", 2), ("audio", 3)]
    # A 360p segment costs 2.25 times as much as a 240p one: (640 * 360) / (426 * 240).
    share = (640 * 360 * 1 + 426 * 240 * 2) / 3 / (640 * 360 + 426 * 240)
    assert found.share == pytest.approx(share, abs=0.001)
    lines = status_lines(found)
    assert lines[0] == f"{dest}: interrupted, 6 of 9 segments finished"
    assert lines[1].startswith("  report.json is missing")
    assert lines[2].split() == ["360p", "1", "of", "3"]
    assert lines[-1] == f"Go on: streamify resume {dest}"


def test_a_job_runs_as_long_as_its_process_holds_dest(dest: Path) -> None:
    (dest / "report.json").unlink()
    claim = claim_of(dest)
    with holding(Location.of_dest(dest), LocalStorage(dest), claim, lambda _: False):
        RunLog(LocalStorage(dest), RunRecord(id=claim.run, engine="local", started=claim.started)).update(
            total=9, reused=0, began_tasks=claim.started - 90
        )
        found = look(dest)
        assert (found.state, found.seconds_left) == ("running", 0.0)
        assert found.run is not None
        assert (found.run.pid, found.run.started, found.run.ended) == (os.getpid(), claim.started, None)
        assert status_lines(found)[0] == f"{dest}: running, 100%, 9 of 9 segments finished, about 0:00 left"
        next(dest.glob(".streamify/ledger/360p-*/00000.json")).unlink()
        next(dest.glob(".streamify/ledger/240p-*/00000.json")).unlink()
        left = look(dest).seconds_left
        assert left == pytest.approx(45, abs=2)  # two thirds took 90 s
    assert look(dest).state == "interrupted"


def test_a_job_that_failed_names_its_tasks(dest: Path) -> None:
    (dest / "report.json").unlink()
    claim, media = claim_of(dest), LocalStorage(dest)
    with holding(Location.of_dest(dest), media, claim, lambda _: False):
        log = RunLog(media, RunRecord(id=claim.run, engine="local", started=claim.started))
        log.update(outcome="failed", ended=claim.started + 1, error="1 task(s) failed [tasks-failed]")
        write_failure(media, claim.run, Failure(key="video/00001/360p", code="worker-lost", cause="killed", attempts=3))
    found = look(dest)
    assert found.state == "failed"
    assert [(one.key, one.code, one.attempts) for one in found.failed] == [("video/00001/360p", "worker-lost", 3)]
    assert "  video/00001/360p: killed [worker-lost]" in status_lines(found)


def test_a_damaged_report_is_named(dest: Path) -> None:
    (dest / "report.json").write_text("{")
    found = look(dest)
    assert (found.state, found.done, found.total) == ("interrupted", 9, 9)
    (fault,) = found.faults
    assert f"  {fault}" in status_lines(found)
    assert "report.json is damaged" in fault
    assert "resume" in fault


@pytest.mark.parametrize("name", ["master.m3u8", "manifest.mpd", "report.json", "video/360p-*/playlist.m3u8"])
@pytest.mark.parametrize("instead", ["nothing", "an empty folder", "a folder with a file"])
def test_a_published_file_that_is_gone_is_named(dest: Path, name: str, instead: str) -> None:
    assert look(dest).faults == ()
    (path,) = dest.glob(name)
    path.unlink()
    if instead != "nothing":
        path.mkdir()
    if instead == "a folder with a file":
        (path / "note.txt").write_text("x")
    found = look(dest)
    assert [fault.partition(" is missing: ")[0] for fault in found.faults] == [str(path.relative_to(dest))]
    assert f"  {found.faults[0]}" in status_lines(found)


def test_a_job_that_was_cancelled_has_a_state_of_its_own(dest: Path) -> None:
    (dest / "report.json").unlink()
    claim, media = claim_of(dest), LocalStorage(dest)
    with holding(Location.of_dest(dest), media, claim, lambda _: False):
        RunLog(media, RunRecord(id=claim.run, engine="local", started=claim.started)).update(outcome="cancelled")
    assert look(dest).state == "cancelled"
    assert status_lines(look(dest))[0].startswith(f"{dest}: cancelled, ")
    assert streamify("cancel", dest, "--json").json["status"] == "cancelled"


def test_a_report_of_other_settings_is_not_of_this_job(dest: Path) -> None:
    for name in ("plan.json", "job.json"):
        state = dest / ".streamify" / name
        state.write_text(state.read_text().replace('"preset":"veryfast"', '"preset":"faster"', 1))
    assert look(dest).state == "interrupted"


def test_a_job_that_was_not_planned_yet_shows_no_plan_of_an_earlier_one(dest: Path) -> None:
    state = dest / ".streamify" / "job.json"
    state.write_text(state.read_text().replace('"preset":"veryfast"', '"preset":"faster"', 1))
    found = look(dest)
    assert (found.total, found.planned) == (0, None)


def test_a_stream_without_its_ledger_is_complete_all_the_same(dest: Path) -> None:
    shutil.rmtree(dest / ".streamify")
    found = look(dest)
    assert (found.state, found.total, found.planned, found.run) == ("complete", 0, None, None)


def test_no_job(tmp_path: Path) -> None:
    with pytest.raises(DestinationError) as caught:
        look(tmp_path)
    assert caught.value.code == "no-job"


def test_the_commands_on_a_job_of_this_machine(dest: Path) -> None:
    assert streamify("status", dest).out.startswith(f"{dest}: complete, 9 of 9 segments finished\n")
    document = streamify("status", dest, "--json").json
    assert (document["state"], document["done"], document["execution"]) == ("complete", 9, None)
    ended = streamify("cancel", dest, "--json").json
    assert (ended["cancelled"], ended["status"], ended["execution"]) == (False, "complete", None)
    resumed = streamify("resume", dest, "--json")
    assert (resumed.code, resumed.json["tasks_run"], resumed.json["tasks_reused"]) == (0, 0, 9)
    for name in ("status", "cancel", "resume"):
        ran = streamify(name, dest / "none")
        assert (ran.code, "[no-job]" in ran.line) == (5, True)
