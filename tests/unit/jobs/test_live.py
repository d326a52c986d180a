"""What viewers of an unmade stream are offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamify.dest.layout import MASTER, MPD, PLAN, playlist_key
from streamify.errors import Failure, TasksFailed
from streamify.jobs.live import LiveStream
from streamify.jobs.segments import borders
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan


def test_viewers_are_told_causes_and_not_every_task() -> None:
    failures = tuple(Failure(f"video/{n:05d}/1080p", "source-changed", "a.mp4 is gone", attempts=1) for n in range(500))
    live = LiveStream()
    with pytest.raises(TasksFailed), live.ending():
        raise TasksFailed(failures, "what succeeded is kept")
    assert live.error is not None
    assert live.error.code == "tasks-failed"
    assert str(live.error).startswith("500 tasks failed: a.mp4 is gone")
    assert len(str(live.error)) < 200


def test_a_rung_that_cannot_be_made_in_time_is_named_once_enough_of_it_exists(stream: Path) -> None:
    media = LocalStorage(stream)
    plan = read_plan(media, PLAN)
    assert plan is not None
    slow = plan.model_copy(update={"settings": plan.settings.model_copy(update={"preset": "veryslow"})})
    large, *_, small = slow.video
    live = LiveStream()
    live.surveyed(slow, media, (), borders(slow, media))
    live.planned(slow, media, workers=1)

    def named(track: str) -> list[bool]:
        return [track.encode() in (live.text(key) or b"") for key in (MASTER, MPD)]

    assert named(small.folder) == [True, True]
    assert named(large.folder) == [False, False]
    assert live.text(playlist_key(large.folder))  # who knows of it can play it
    assert slow.segments == 3
    live.progress.found(large.id, 2, 1)  # not from the start on
    assert named(large.folder) == [False, False]
    for segment in (0, 1):
        live.progress.found(large.id, segment, 1)
    assert named(large.folder) == [True, True]
    quick = LiveStream()
    quick.surveyed(plan, media, (), borders(plan, media))
    quick.planned(plan, media, workers=1)
    assert all(large.folder.encode() in (quick.text(key) or b"") for key in (MASTER, MPD))
