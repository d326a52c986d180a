"""What a page is told of a job: the states of segments follow the events."""

from __future__ import annotations

from typing import Any

from plan_samples import plan
from streamify.errors import Failure, SourceError, TasksFailed
from streamify.jobs.live import in_short
from streamify.jobs.progress import JobProgress
from streamify.jobs.work import made_by
from streamify.model.event import Event, EventKind

FOUND, WINDOWS = plan(ladder="1080p,360p", segment_seconds=2, keyframe_seconds=2)
HIGH, LOW, SOUND = (track.id for track in FOUND.tracks)
BORDERS = [*(window.start for window in WINDOWS), FOUND.timeline.end]


def event(kind: EventKind, time: float, task: str | None = None, **fields: Any) -> Event:
    attempt = {"worker": 7, "attempt": 1} if task is not None else {}
    return Event(time=time, kind=kind, task=task, **(attempt | fields))


def made(time: float, task: str, track: str, segment: int) -> Event:
    data = {"track": track, "name": "audio" if track == SOUND else track.split("-")[0], "segment": segment}
    return event("segment.finished", time, task, worker=None, attempt=None, data=data | {"cpu_seconds": 1.0})


def started() -> JobProgress:
    progress = JobProgress()
    progress.see(event("job.started", 100))
    progress.see(event("task.started", 100.1, "split"))
    progress.see(event("task.finished", 100.4, "split", data={"cpu_seconds": 0.3}))
    progress.planned(FOUND, BORDERS, {(LOW, 6)})
    data = {"segments": FOUND.segments, "renditions": ["1080p", "360p"], "audio": 1, "duration": 14.0}
    progress.see(event("plan.ready", 100.5, data=data | {"total": 21, "reused": 1, "reused_by": {"360p": 1}}))
    progress.enter("making")
    return progress


def test_a_task_names_what_it_makes() -> None:
    assert FOUND.segments == 7
    assert list(made_by(FOUND, "video/00003/1080p,360p")) == [(HIGH, 3), (LOW, 3)]
    assert list(made_by(FOUND, "video/00003/360p")) == [(LOW, 3)]
    assert list(made_by(FOUND, f"audio/{SOUND}/00000")) == [(SOUND, number) for number in range(7)]
    for key in ("split", "init", f"loudness/{SOUND}/00000", "audio/other-00000000/00000", "video/00001/720p"):
        assert list(made_by(FOUND, key)) == []


def test_before_the_plan_there_is_split_alone() -> None:
    progress = JobProgress()
    progress.see(event("job.started", 100))
    progress.see(event("task.started", 100.1, "split"))
    told = progress.snapshot(101)
    assert (told["state"], told["tracks"], told["cells"], told["times"]) == ("planning", [], [], {"started": 100})
    assert told["attempts"] == [[0, "split", 1, "7", 0, 100.1, None, "r"]]
    assert progress.detail(HIGH, 0) is None


def test_a_segment_that_is_begun_before_the_plan_runs_once_it_is_there() -> None:
    progress = JobProgress()
    progress.see(event("job.started", 100))
    progress.see(event("task.started", 100.1, "split"))
    progress.see(event("task.started", 100.2, "video/00000/360p"))
    progress.planned(FOUND, BORDERS, ())
    assert progress.snapshot(101)["cells"] == ["w7", "r1w6", "w7"]


def test_stereo_and_surround_of_one_name_are_told_apart() -> None:
    [sound] = FOUND.audio
    surround = sound.model_copy(update={"id": "und-ac3-1", "recipe": sound.recipe.model_copy(update={"channels": 6})})
    progress = JobProgress()
    progress.planned(FOUND.model_copy(update={"audio": (sound, surround)}), BORDERS, ())
    names = [track["name"] for track in progress.snapshot(0)["tracks"]]
    assert names == ["1080p", "360p", f"{sound.labels.name}, stereo", f"{sound.labels.name}, 5.1"]


def test_the_states_of_segments_follow_the_events() -> None:
    progress = started()
    told = progress.snapshot(101)
    assert told["cells"] == ["w7", "w6d1", "w7"]
    assert [(track["id"], track["name"], track["kind"]) for track in told["tracks"]] == [
        (HIGH, "1080p", "video"), (LOW, "360p", "video"), (SOUND, FOUND.audio[0].labels.name, "audio"),
    ]  # fmt: skip
    assert sum(told["lengths"][::2]) == 7
    assert sum(n * length for n, length in zip(told["lengths"][::2], told["lengths"][1::2], strict=True)) == BORDERS[-1]
    progress.changes(101)
    both = "video/00000/1080p,360p"
    progress.see(event("task.started", 102, both))
    change = progress.changes(102)
    assert change is not None
    assert change["cells"] == [0, 1, "r", 7, 1, "r"]
    progress.see(event("task.finished", 110, both))
    assert progress.snapshot(110)["cells"][0] == "r1w6"  # its segments are told one by one
    for track in (HIGH, LOW):
        progress.see(made(110, both, track, 0))
    change = progress.changes(110)
    assert change is not None
    assert change["cells"] == [0, 1, "d", 7, 1, "d"]
    assert change["attempts"] == [[1, both, 1, "7", 0, 102, 110, "d"]]
    assert 0 < change["share"] < 0.3
    assert progress.changes(110) is None


def test_a_failure_tells_its_cause_and_log_with_the_segment() -> None:
    progress = started()
    task = "video/00001/1080p"
    progress.see(event("task.started", 102, task))
    progress.see(event("task.retried", 103, task, message="the worker died", data={"log": "killed"}))
    assert progress.snapshot(103)["cells"][0] == "w1a1w5"
    progress.see(event("task.started", 104, task, worker=8, attempt=2))
    progress.see(event("task.failed", 105, task, worker=8, attempt=2, message="it died again", data={"log": "bt"}))
    assert progress.snapshot(105)["cells"][0] == "w1f1w5"
    detail = progress.detail(HIGH, 1)
    assert detail is not None
    assert detail["state"] == "f"
    assert [(one["outcome"], one["worker"], one["message"], one["log"]) for one in detail["attempts"]] == [
        ("retried", "7", "the worker died", "killed"), ("failed", "8", "it died again", "bt"),
    ]  # fmt: skip
    assert progress.detail(HIGH, 7) is None
    assert progress.detail("other", 0) is None
    untouched = progress.detail(LOW, 6)
    assert untouched is not None
    assert (untouched["state"], untouched["attempts"]) == ("d", [])


def test_a_task_that_is_paused_for_a_viewer_is_told_so_until_it_goes_on() -> None:
    progress, task = started(), "video/00001/1080p,360p"
    progress.see(event("task.started", 102, task))
    progress.see(event("task.started", 103, "video/00005/360p", worker=8))
    progress.see(event("task.paused", 103, task))
    assert [row[7] for row in progress.snapshot(104)["attempts"]] == ["d", "p", "r"]
    progress.see(event("task.resumed", 105, task))
    assert [row[7] for row in progress.snapshot(106)["attempts"]] == ["d", "r", "r"]
    progress.see(event("task.paused", 107, "video/00006/360p"))  # of which the begin was not told
    progress.see(event("task.finished", 108, task))
    assert progress.snapshot(108)["attempts"][1][6:] == [108, "d"]


def test_of_two_attempts_at_once_the_one_that_comes_second_is_shown_as_cut_off() -> None:
    progress, task = started(), "video/00001/1080p,360p"
    progress.see(event("task.started", 102, task))
    progress.see(event("task.started", 130, task, worker=8, attempt=2, data={"second": True}))
    assert [row[7] for row in progress.snapshot(131)["attempts"][1:]] == ["r", "r"]
    progress.see(event("task.finished", 132, task, worker=8, attempt=2))
    assert [(row[3], row[6], row[7]) for row in progress.snapshot(133)["attempts"][1:]] == [
        ("7", 132, "c"), ("8", 132, "d"),
    ]  # fmt: skip


def test_sound_that_is_published_before_its_task_ends_is_shown() -> None:
    progress = started()
    assert progress.awaited() == []
    progress.see(event("task.started", 102, f"audio/{SOUND}/00000"))
    assert progress.awaited() == [(SOUND, 0)]
    progress.found(SOUND, 0, 103)
    progress.found(SOUND, 7, 103)  # there is none
    assert progress.awaited() == [(SOUND, 1)]
    assert progress.snapshot(103)["cells"][2] == "d1r6"


def test_the_end_of_a_job_leaves_nothing_running() -> None:
    progress = started()
    progress.see(event("task.started", 102, "video/00001/1080p"))
    progress.see(event("job.failed", 103))
    progress.enter("failed", "the source is gone")
    told = progress.snapshot(104)
    assert (told["state"], told["error"], told["times"]["ended"]) == ("failed", "the source is gone", 103)
    assert told["cells"][0] == "w7"
    assert told["attempts"][-1][6:] == [103, "c"]


def test_a_job_that_is_planned_again_is_another_edition() -> None:
    progress = started()
    before = progress.snapshot(101)["edition"]
    progress.see(made(102, "x", HIGH, 0))
    progress.planned(FOUND, BORDERS, ())
    change = progress.changes(102)
    assert change is not None
    assert change["edition"] == before + 1
    assert progress.snapshot(102)["cells"] == ["w7", "w7", "w7"]


def test_when_all_segments_exist_what_follows_is_to_assemble() -> None:
    progress = started()
    cells = [(track, segment) for track in (HIGH, LOW, SOUND) for segment in range(7)]
    for track, segment in cells[:-1]:
        progress.see(made(110, "x", track, segment))
    assert "made" not in progress.snapshot(110)["times"]
    progress.see(made(111, "x", *cells[-1]))
    assert progress.snapshot(112)["times"]["made"] == 111


def test_many_failed_tasks_are_told_by_their_causes() -> None:
    failures = [
        Failure(f"video/{number:05d}/360p", "source-changed", "it is gone", hint="wait") for number in range(159)
    ]
    assert in_short(TasksFailed(tuple(failures))) == "159 tasks failed: it is gone (wait)"
    others = [Failure(str(number), "x", f"cause {number}") for number in range(5)]
    said = in_short(TasksFailed((*failures, *others)))
    assert said == "164 tasks failed: it is gone (wait); cause 0; cause 1; and 3 other causes"
    assert in_short(SourceError("source-gone", "it is gone", "put it back")) == "it is gone (put it back)"
