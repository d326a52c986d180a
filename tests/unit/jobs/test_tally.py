"""Progress counted from synthetic events."""

from __future__ import annotations

from typing import Any

import pytest

from streamify.cli.show.line import line
from streamify.jobs.tally import Tally
from streamify.model.event import Event, EventKind


def event(kind: EventKind, time: float = 0, task: str | None = None, **data: Any) -> Event:
    return Event(time=time, kind=kind, task=task, data=data)


def planned(**more: Any) -> Tally:
    """100 s in 10 segments, 25 pictures per second, two renditions and one audio track."""
    tally = Tally()
    data: dict[str, Any] = {
        "segments": 10, "renditions": ["720p", "360p"], "audio": 1, "duration": 100.0, "frames": 2500, "total": 30,
        "reused": 0,
    } | more  # fmt: skip
    tally.see(event("job.started", 0))
    tally.see(event("engine.ready", 5, workers=2, reason="2 cores"))
    tally.see(event("plan.ready", 10, **data))
    return tally


def finish(tally: Tally, name: str, segments: range, time: float = 20, cpu: float = 0) -> None:
    for segment in segments:
        data: dict[str, Any] = {
            "track": f"{name}-1234",
            "name": name,
            "segment": segment,
            "bytes": 10,
            "cpu_seconds": cpu,
        }
        tally.see(event("segment.finished", time, f"video/{segment:05d}/720p,360p", **data))


def report(tally: Tally, time: float, segment: int, done: int, names: str = "720p,360p") -> None:
    tally.see(event("task.progress", time, f"video/{segment:05d}/{names}", done=done, total=250, unit="pictures"))


def test_before_anything_is_known_it_says_what_happens_and_moves() -> None:
    tally = Tally()
    assert (tally.fraction, tally.speed(1), tally.eta(1)) == (0, None, None)
    assert line(tally, 1) == "reading the source and planning, 0:00 elapsed"
    tally.see(event("job.started", 1))
    tally.see(event("engine.ready", 2, workers=2))
    assert line(tally, 9) == "reading the source and planning, 0:08 elapsed, 2 workers"


def test_an_upload_is_shown_until_it_ends() -> None:
    tally = Tally()
    event_ = event("upload.progress", 1, bytes=1_500_000, total=6_000_000)
    tally.see(event_)
    assert tally.moves(event_)
    assert line(tally, 1) == " 25%, uploaded 1.5 MB of 6.0 MB, 0:00 elapsed"
    tally.see(event("upload.progress", 2, bytes=6_000_000, total=6_000_000))
    assert line(tally, 2).startswith("reading the source")


def test_checks_are_counted() -> None:
    tally = Tally()
    tally.see(event("task.finished", 1, "check/x/00000"))
    assert line(tally, 4) == "1 segment checked, 0:03 elapsed"


def test_half_of_each_rendition_is_half_of_the_work_and_audio_does_not_count() -> None:
    tally = planned()
    finish(tally, "audio", range(10))
    assert tally.fraction == 0
    finish(tally, "720p", range(5))
    finish(tally, "360p", range(5))
    assert tally.fraction == pytest.approx(0.5)
    assert tally.speed(35) == pytest.approx(50 / 25)  # 50 s of film in the 25 s since the plan was ready
    assert tally.fps(35) == pytest.approx(2 * 25)
    assert tally.eta(35) == pytest.approx(25)
    assert line(tally, 35) == " 50%, 50 fps, 2.00x realtime, 0:35 elapsed, 0:25 left, 20 of 30 segments, 2 workers"


def test_figures_move_from_the_first_reports_on() -> None:
    tally = planned()
    assert line(tally, 11) == "  0%, first segments at work, 0:11 elapsed, 0 of 30 segments, 2 workers"
    report(tally, 12, 0, 10)
    report(tally, 14, 0, 60)  # 50 of 2500 pictures in 2 s
    assert tally.fraction == pytest.approx(60 / 2500)
    assert tally.fps(14) == pytest.approx(25)
    assert tally.eta(14) == pytest.approx((2500 - 60) / 25)
    assert line(tally, 14) == "  2%, 25 fps, 1.00x realtime, 0:14 elapsed, 1:38 left, 0 of 30 segments, 2 workers"


def test_what_a_running_task_did_is_counted_once() -> None:
    tally = planned()
    report(tally, 12, 0, 250)
    assert tally.fraction == pytest.approx(0.1)
    finish(tally, "720p", range(1))
    assert tally.fraction == pytest.approx(0.1)  # 360p of that segment is not told yet, and done
    finish(tally, "360p", range(1))
    assert tally.fraction == pytest.approx(0.1)
    report(tally, 13, 1, 125)
    assert tally.fraction == pytest.approx(0.15)
    tally.see(event("task.retried", 14, "video/00001/720p,360p"))
    assert tally.fraction == pytest.approx(0.1)
    assert "1 retried" in line(tally, 15)


def test_renditions_count_by_what_they_were_measured_to_cost() -> None:
    tally = planned(cost=[0.5, 0.5])
    finish(tally, "720p", range(5), cpu=9)
    assert tally.fraction == pytest.approx(0.25)  # nothing is known of 360p: the plan says it costs as much
    finish(tally, "360p", range(1), cpu=1)
    assert tally.fraction == pytest.approx(0.9 * 0.5 + 0.1 * 0.1)


def test_shorter_segments_at_the_start_count_by_their_length() -> None:
    """2 and 4 s, then 8 of 6 s: 54 s in all."""
    tally = planned(opening=[1 / 3, 2 / 3], cost=[0.5, 0.5])
    finish(tally, "720p", range(2), cpu=3)
    finish(tally, "360p", range(2), cpu=3)
    assert tally.fraction == pytest.approx(6 / 54)
    report(tally, 13, 2, 125)
    assert tally.fraction == pytest.approx(9 / 54)
    finish(tally, "720p", range(2, 10), cpu=6)
    finish(tally, "360p", range(2, 10), cpu=1)
    assert tally.fraction == 1


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
    assert line(tally, 30) == "100%, checking and writing the manifests, 0:30 elapsed"


def test_audio_alone_counts() -> None:
    tally = planned(renditions=[], audio=2)
    tally.see(event("segment.finished", 20, track="en", name="audio", segment=0))
    tally.see(event("segment.finished", 20, track="fr", name="audio", segment=0))
    tally.see(event("segment.finished", 20, track="fr", name="audio", segment=0))  # told twice, counted once
    assert tally.fraction == pytest.approx(2 / 20)


def test_reports_of_tasks_that_are_not_known_change_nothing() -> None:
    tally = planned()
    for task in (None, "split", "video/x/720p", "video/00001/1440p", "audio/en/00000"):
        tally.see(event("task.progress", 12, task, done=1, total=2))
    tally.see(event("task.progress", 12, "video/00001/720p", done=1, total=0))
    assert tally.fraction == 0


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (160, " 50%, 50 fps, 2.00x realtime, 0:35 elapsed, 0:25 left, 20 of 30 segments, 2 workers"),
        (83, " 50%, 50 fps, 2.00x realtime, 0:35 elapsed, 0:25 left, 20 of 30 segments, 2 workers"),
        (80, " 50%, 50 fps, 2.00x realtime, 0:35 elapsed, 0:25 left, 20 of 30 segments"),
        (60, " 50%, 50 fps, 2.00x realtime, 0:35 elapsed, 0:25 left"),
        (40, " 50%, 2.00x realtime, 0:25 left"),
        (20, " 50%, 0:25 left"),
        (10, " 50%"),
        (2, " 5"),
    ],
)
def test_what_is_least_useful_goes_first(width: int, text: str) -> None:
    tally = planned()
    finish(tally, "audio", range(10))
    finish(tally, "720p", range(5))
    finish(tally, "360p", range(5))
    assert line(tally, 35, width) == text


def test_many_segments_are_counted_fast() -> None:
    tally = planned(segments=20_000, duration=120_000.0)
    for segment in range(5000):
        report(tally, segment, segment, 125)
        finish(tally, "720p", range(segment, segment + 1), time=segment, cpu=1)
        finish(tally, "360p", range(segment, segment + 1), time=segment, cpu=1)
    assert tally.fraction == pytest.approx(0.25)
