"""Events shown as plain lines and on a terminal, and written as NDJSON."""

from __future__ import annotations

import json
import os
import pty
import select
import threading
from pathlib import Path
from typing import Any

import pytest

from streamify.cli.options import Common
from streamify.cli.show.progress import watching
from streamify.cli.show.watched import telling
from streamify.cli.text import ERASE
from streamify.model.event import Event, EventKind
from waiting import wait_until


def event(kind: EventKind, time: float = 0, **data: Any) -> Event:
    return Event(time=time, kind=kind, data=data)


def test_plain_lines_are_few(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(Common()) as take:
        take(event("plan.ready", 0, segments=500, renditions=["720p"], audio=0, duration=3000.0, total=500, reused=7))
        take(event("engine.ready", 0, workers=2, reason="2 cores"))
        for segment in range(493):
            take(event("segment.finished", 1, track="t", name="720p", segment=segment))
        take(Event(time=2, kind="task.retried", task="video/00001", attempt=1, message="killed; trying again", data={}))
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 4
    assert "500 segments x (720p; 0 audio), 7 of 500 kept from earlier runs" in err
    assert "video/00001: killed; trying again" in err


def gone(segment: int, film: str = "a.mp4", job: str | None = None) -> Event:
    return Event(time=1, kind="task.failed", task=f"video/{segment}", message=f"{film} is gone", job=job, data={})


def test_what_all_tasks_fail_for_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Of a film of an hour whose source is removed, 2400 tasks say that it is gone."""
    for common, said in ((Common(), ["video/0"]), (Common(verbose=True), ["video/0", "video/1", "video/2"])):
        with watching(common) as take:
            for segment in range(3):
                take(gone(segment))
            take(gone(9, "another"))
        lines = capfd.readouterr().err.splitlines()
        assert [line.split(": ")[-2].split()[-1] for line in lines] == [*said, "video/9"]
    with telling(Common()) as take:
        for job in ("one", "two"):
            for segment in range(3):
                take(gone(segment, job=job))
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [f"{job}: video/0: a.mp4 is gone" for job in ("one", "two")]


def test_a_job_that_is_tried_again_says_again_why_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with telling(Common()) as take:
        for _ in range(2):
            take(Event(time=1, kind="job.started", job="one", data={}))
            take(gone(0, job="one"))
            take(gone(1, job="one"))
    assert capfd.readouterr().err.count("video/0: a.mp4 is gone") == 2


def test_what_the_split_fails_for_is_said_of_a_task(capfd: pytest.CaptureFixture[str]) -> None:
    """The job's error says it of the split, so that its event is not shown."""
    for shown in (watching, telling):
        with shown(Common()) as take:
            take(gone(0, job="one").model_copy(update={"task": "split"}))
            take(gone(1, job="one"))
        assert capfd.readouterr().err.count("a.mp4 is gone") == 1


@pytest.mark.parametrize(
    ("workers", "reason", "said"),
    [(2, "2 cores", "2 workers: 2 cores"), (1, "as asked for", "1 worker: as asked for"), (3, "", "3 workers")],
)
def test_the_number_of_workers_is_said_with_its_reason(
    workers: int, reason: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with watching(Common()) as take:
        take(event("plan.ready", 0, segments=1, renditions=["720p"], audio=0, duration=3.0, total=1, reused=0))
        take(event("engine.ready", 0, workers=workers, reason=reason))
    assert capfd.readouterr().err.splitlines()[1].endswith(f" {said}")


def test_json_lines_and_silence(capfd: pytest.CaptureFixture[str]) -> None:
    for common in (Common(log_format="json"), Common(quiet=True)):
        with watching(common) as take:
            take(Event(time=1, kind="note", message="no usable index", data={}))
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) | {"time": 0} == {
        "time": 0, "level": "info", "message": "no usable index", "event": "note"
    }  # fmt: skip


def test_the_live_display_draws_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _on_a_terminal(monkeypatch, Event(time=1, kind="note", message="[bold]\x1b]0;title\x07\x9b31m\nas it is"))
    assert r"[bold]\x1b]0;title\x07\x9b31m\nas it is" in shown
    assert "720p" in shown
    assert shown.startswith("\x1b[?25l")
    assert shown.endswith(f"{ERASE}\x1b[?25h")


def _on_a_terminal(monkeypatch: pytest.MonkeyPatch, told: Event) -> str:
    """Return what is drawn until the display is gone; it is there until its bar has been seen."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, os.fdopen(ours, "rb", buffering=0) as screen:
        shown = bytearray()

        def reads(text: str) -> bool:
            if select.select([screen], [], [], 0.2)[0]:
                shown.extend(screen.read(1 << 16))
            return text in shown.decode(errors="replace")

        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with watching(Common()) as take:
            take(event("plan.ready", 0, segments=5, renditions=["720p"], audio=0, duration=30.0, total=5, reused=0))
            take(told)
            wait_until(lambda: reads("720p"))
            wait_until(lambda: reads("as it is"))
        wait_until(lambda: reads("\x1b[?25h"))
        return shown.decode()


@pytest.mark.timeout(120)  # a thousand waits of PATIENCE would take longer
def test_a_full_pipe_delays_no_event(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody reads stderr nor the events: 64 KiB fit into each pipe, ten times as much is told."""
    os.mkfifo(tmp_path / "events")
    reader = os.open(tmp_path / "events", os.O_RDONLY | os.O_NONBLOCK)
    read, write = os.pipe()
    monkeypatch.setattr("streamify.cli.writer.PATIENCE", 0.5)
    with os.fdopen(read, "rb"), os.fdopen(reader, "rb"), os.fdopen(write, "w") as nobody:
        monkeypatch.setattr("sys.stderr", nobody)
        with watching(Common(events=tmp_path / "events", verbose=True)) as take:
            for number in range(1000):
                take(Event(time=number, kind="note", message="x" * 640))


def test_events_are_appended_as_they_come_from_any_thread(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"earlier": 1}\n')
    with watching(Common(quiet=True, events=path)) as take:
        threads = [threading.Thread(target=lambda: [take(event("note", n)) for n in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 201
    assert all(Event.from_json(line).kind == "note" for line in lines[1:])
    assert json.loads(lines[1])["schema"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_ends_the_events_not_the_job(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(Common(quiet=True, events=Path("/dev/full"))) as take:
        take(event("note"))
        take(event("note"))
    assert capfd.readouterr().err.count("no more events") == 1
