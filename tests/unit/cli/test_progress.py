"""Progress: counted from events, shown as lines, as a grid and as NDJSON."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streamify.cli.common import Common
from streamify.cli.show.live import cells, picture
from streamify.cli.show.progress import watching
from streamify.cli.show.tally import Row, Tally, clock
from streamify.model.event import Event, EventKind


def event(kind: EventKind, time: float = 0, **data: Any) -> Event:
    return Event(time=time, kind=kind, data=data)


def planned(**more: Any) -> Tally:
    """100 s in 10 segments, two renditions and one audio track."""
    tally = Tally()
    data = {
        "segments": 10,
        "renditions": ["720p", "360p"],
        "audio": 1,
        "duration": 100.0,
        "total": 30,
        "reused": 0,
    } | more
    tally.see(event("plan.ready", 0, **data))
    tally.see(event("engine.ready", 10, workers=2, reason="2 cores"))
    return tally


def finish(tally: Tally, name: str, segments: range, time: float = 20) -> None:
    for segment in segments:
        tally.see(event("segment.finished", time, track=f"{name}-1234", name=name, segment=segment, bytes=10))


def test_before_anything_is_known() -> None:
    tally = Tally()
    assert (tally.fraction, tally.speed(1), tally.eta(1), tally.line(1)) == (0, None, None, "reading the source")


def test_an_upload_is_shown_until_it_ends() -> None:
    tally = Tally()
    event_ = event("upload.progress", 1, bytes=1_500_000, total=6_000_000)
    tally.see(event_)
    assert tally.moves(event_)
    assert tally.line(1) == " 25%, uploaded 1.5 of 6.0 MB"
    tally.see(event("upload.progress", 2, bytes=6_000_000, total=6_000_000))
    assert tally.line(2) == "reading the source"


def test_half_of_each_rendition_is_half_of_the_work_and_audio_does_not_count() -> None:
    tally = planned()
    finish(tally, "audio", range(10))
    assert tally.fraction == 0
    finish(tally, "720p", range(5))
    finish(tally, "360p", range(5))
    assert tally.fraction == pytest.approx(0.5)
    assert tally.speed(35) == pytest.approx(50 / 25)  # 50 s of stream in the 25 s since the engine was ready
    assert tally.eta(35) == pytest.approx(25)
    assert tally.line(35) == " 50%, 20 of 30 segments, 2.00x realtime, 0:25 left, 2 workers"


def test_a_resumed_job_starts_where_it_was_and_its_speed_is_its_own() -> None:
    tally = planned(reused=15)
    assert tally.fraction == pytest.approx(0.5)
    assert tally.speed(30) is None
    finish(tally, "720p", range(5, 6))
    finish(tally, "360p", range(5, 6))
    assert tally.fraction == pytest.approx(0.6)
    assert tally.speed(20) == pytest.approx(1)
    assert tally.eta(20) == pytest.approx(40)


def test_one_changed_rung_counts_alone_where_the_plan_says_which_are_kept() -> None:
    tally = planned(reused=20, reused_by={"360p": 10, "audio": 10}, cost=[0.8, 0.2])
    assert tally.fraction == pytest.approx(0.2)
    finish(tally, "720p", range(10))
    assert tally.fraction == pytest.approx(1)


def test_audio_alone_counts() -> None:
    tally = planned(renditions=[], audio=2)
    tally.see(event("segment.finished", 20, track="en", name="audio", segment=0))
    tally.see(event("segment.finished", 20, track="fr", name="audio", segment=0))
    tally.see(event("segment.finished", 20, track="fr", name="audio", segment=0))  # told twice, counted once
    assert tally.fraction == pytest.approx(2 / 20)


def test_cells_show_what_is_done_and_kept() -> None:
    done = Row(segments=8, weight=1, done={("a", 4), ("a", 5), ("a", 6)})
    assert cells(done, 4).plain == "··█▒"
    assert cells(Row(8, 1, before=3, done={("a", 4), ("a", 5)}), 4).plain == "█▒█·"
    assert cells(Row(3, 1), 3).plain == "···"


def test_the_picture_fits_the_terminal_and_takes_any_state() -> None:
    for width in (40, 80, 200):
        tally = planned()
        finish(tally, "720p", range(3))
        console = Console(file=io.StringIO(), width=width, no_color=True)
        console.print(picture(tally, width, 20))
        console.print(picture(Tally(), width, 20))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert max(map(len, text.splitlines())) <= width
        assert "720p" in text
        assert "3/10" in text


def test_clock() -> None:
    assert [clock(value) for value in (0, 59.6, 61, 3600, 36061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]


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


def test_json_lines_and_silence(capfd: pytest.CaptureFixture[str]) -> None:
    for common in (Common(log_format="json"), Common(quiet=True)):
        with watching(common) as take:
            take(Event(time=1, kind="note", message="no usable index", data={}))
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) | {"time": 0} == {
        "time": 0, "level": "info", "message": "no usable index", "event": "note"
    }  # fmt: skip


def test_the_live_display_draws_on_a_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with watching(Common()) as take:
        take(event("plan.ready", 0, segments=5, renditions=["720p"], audio=0, duration=30.0, total=5, reused=0))
        take(Event(time=1, kind="note", message="[bold]taken as it is[/bold]", data={}))
    assert "[bold]taken as it is[/bold]" in capfd.readouterr().err


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
