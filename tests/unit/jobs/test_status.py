"""How a job stands, by what lies at its DEST."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.driving import streamify
from streamify.cli.show.summary import standing
from streamify.errors import DestinationError
from streamify.jobs.status import look
from streamify.storage.local import LocalStorage


@pytest.fixture
def dest(stream: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream, tmp_path / "out"))


def test_a_finished_stream_is_complete(dest: Path) -> None:
    found = look(str(dest), LocalStorage(dest))
    assert (found.state, found.done, found.total) == ("complete", 9, 9)
    assert [(one.name, one.done, one.total) for one in found.tracks] == [
        ("360p", 3, 3),
        ("240p", 3, 3),
        ("audio", 3, 3),
    ]
    assert found.finished == (dest / "report.json").stat().st_mtime
    assert found.execution is None


def test_what_is_missing_is_counted_by_rendition(dest: Path) -> None:
    (dest / "report.json").unlink()
    next(dest.glob("video/240p-*/00001.m4s")).unlink()
    next(dest.glob(".streamify/ledger/360p-*/00000.json")).unlink()
    next(dest.glob(".streamify/ledger/360p-*/00002.json")).unlink()
    found = look(str(dest), LocalStorage(dest))
    assert (found.state, found.done, found.finished) == ("incomplete", 6, None)
    assert [(one.name, one.done) for one in found.tracks] == [("360p", 1), ("240p", 2), ("audio", 3)]
    lines = standing(found).splitlines()
    assert lines[0] == f"{dest}: not complete, 6 of 9 segments"
    assert lines[1].split() == ["360p", "1", "of", "3"]


def test_a_report_of_other_settings_is_not_of_this_job(dest: Path) -> None:
    plan = dest / ".streamify" / "plan.json"
    plan.write_text(plan.read_text().replace('"preset":"veryfast"', '"preset":"faster"', 1))
    assert look(str(dest), LocalStorage(dest)).state == "incomplete"


def test_a_stream_without_its_ledger_is_complete_all_the_same(dest: Path) -> None:
    shutil.rmtree(dest / ".streamify")
    found = look(str(dest), LocalStorage(dest))
    assert (found.state, found.total, found.planned) == ("complete", 0, None)


def test_no_job(tmp_path: Path) -> None:
    with pytest.raises(DestinationError) as caught:
        look(str(tmp_path), LocalStorage(tmp_path))
    assert caught.value.code == "no-job"
    assert look(str(tmp_path), LocalStorage(tmp_path), begun=True).state == "incomplete"


def test_the_commands_on_a_job_of_this_machine(dest: Path) -> None:
    assert streamify("status", dest).out.startswith(f"{dest}: complete, 9 of 9 segments\n")
    document = streamify("status", dest, "--json").json
    assert (document["state"], document["done"], document["execution"]) == ("complete", 9, None)
    for name, part in (("cancel", "Ctrl-C"), ("resume", f"streamify transcode SOURCE {dest}")):
        ran = streamify(name, dest)
        assert ran.code == 2
        assert "[job-local]" in ran.line
        assert part in ran.line
        assert streamify(name, dest / "none").code == 5
