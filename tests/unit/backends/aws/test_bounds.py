"""What a job may be at most, how long a task may take, and what attempts cost: by hand, from AWS's list prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan_samples import plan as sample
from streamify.backends.aws.functions import bounds
from streamify.backends.aws.functions.bounds import bounded, seconds_for
from streamify.backends.aws.pricing.charge import charge
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.work import Call
from streamify.errors import CapExceeded
from streamify.jobs.items import Item
from streamify.model.attempt import Attempt
from streamify.storage.local import LocalStorage

PLAN = sample(ladder="360p")[0]
MEDIA = LocalStorage(Path("/nowhere"))


def attempt(task: str, seconds: float, number: int = 1, worker: str = "a") -> Attempt:
    return Attempt(task=task, number=number, worker=worker, started=1000, ended=1000 + seconds, outcome="finished")


@pytest.mark.parametrize(
    ("variable", "value", "code", "parameter"),
    [
        ("MAX_DURATION_SECONDS", "14", "source-too-long", "MaxDurationSeconds"),  # it has 14.014 s
        ("MAX_TASKS", "1", "too-many-tasks", "MaxTasks"),
    ],
)
def test_a_job_that_is_too_large_is_refused_before_its_first_task(
    variable: str, value: str, code: str, parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Item(key=f"video/0000{number}/360p", tracks=(0,), at=0, length=0) for number in range(2)]
    monkeypatch.setenv(variable, value)
    with pytest.raises(CapExceeded) as refused:
        bounded(PLAN, MEDIA, items, None)
    assert (refused.value.code, refused.value.exit_code) == (code, 7)
    assert parameter in refused.value.hint


@pytest.mark.parametrize(("seconds", "limit"), [(None, None), (0.5, 30), (7.5, 30), (100, 400)])
def test_a_task_hangs_after_four_times_its_prediction(seconds: float | None, limit: float | None) -> None:
    assert seconds_for(Item(key="a", tracks=(0,), at=0, length=0, seconds=seconds)) == limit


def test_how_long_subtitles_take_is_not_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [Call("text/source", "subtitles", 1, 9, 9), Call("video/00000/360p", "360p", 1, 9, 9)]
    monkeypatch.setattr(bounds, "calls_of", lambda *_: calls)
    found, _ = bounded(PLAN, MEDIA, [Item(key=one.key, tracks=(), at=0, length=0) for one in calls], None)
    assert [item.seconds is None for item in found] == [True, False]


def test_what_attempts_cost() -> None:
    stack = Deployment(memory=2048, large_memory=4096)
    made = [attempt("split", 2), attempt("video/00000/1080p", 10, worker="b"), attempt("audio/en/00000", 5, worker="b"),
            attempt("video/00001/1080p", 10, worker="c"), attempt("video/00001/1080p", 8, 2, "d"),
            attempt("poster", 1, worker="e")]  # fmt: skip
    # GB-seconds: split, poster and 4 s of assembling at 3008 MB; 25 s at 2 GB; 8 s at 4 GB; 0.7 s for five starts.
    gb = (2 + 1 + 4) * 3008 / 1024 + 25 * 2 + 8 * 4 + 0.7 * (2 * 3008 / 1024 + 2 * 2 + 4)
    # Six calls. The job has 8 transitions, each of three children 2, and one try more is one more.
    expected = gb * 0.0000166667 + 6 * 0.0000002 + (8 + 6 + 1) * 0.000025 + 0.01
    assert charge(made, stack, assemble_seconds=4, storage=0.01) == pytest.approx(expected, rel=1e-9)
