"""What a job may be at most, how long a task may take, and what attempts cost: by hand, from AWS's list prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan_samples import plan as sample
from streamify.backends.aws.functions import bounds
from streamify.backends.aws.functions.bounds import bounded, patience_for
from streamify.backends.aws.pricing.charge import charge
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.work import Call
from streamify.errors import CapExceeded
from streamify.executors.sealed import Patience
from streamify.jobs.items import Item
from streamify.model.attempt import Attempt
from streamify.storage.local import LocalStorage

PLAN = sample(ladder="360p")[0]
MEDIA = LocalStorage(Path("/nowhere"))


def attempt(task: str, seconds: float, number: int = 1, worker: str = "a", memory: int | None = None) -> Attempt:
    return Attempt(task=task, number=number, worker=worker, memory=memory, started=1000, ended=1000 + seconds,
                   outcome="finished")  # fmt: skip


def item(seconds: float | None, key: str = "video/00000/1080p") -> Item:
    return Item(key=key, tracks=(0,), at=0, length=0, seconds=seconds)


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


@pytest.mark.parametrize(
    ("seconds", "left", "expected"),
    [
        (None, None, None),
        (None, 900.0, Patience(890, cut=True)),  # ten seconds are kept to say how it ended
        (0.5, 900.0, Patience(120, 60)),
        (100, 900.0, Patience(800, 400)),
        (100, None, Patience(800, 400)),
        (100, 700.0, Patience(690, 400, cut=True)),  # the function ends before eight times its prediction
        (400, 900.0, Patience(890, 1600, cut=True)),
    ],
)
def test_a_task_has_four_times_its_prediction_for_its_first_half(
    seconds: float | None, left: float | None, expected: Patience | None
) -> None:
    assert patience_for(item(seconds), left) == expected


def test_the_operator_says_when_a_task_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUNG_FACTOR", "2")
    assert patience_for(item(100), 900) == Patience(400, 200)
    monkeypatch.setenv("HUNG_FACTOR", "0")
    assert patience_for(item(100), 900) == Patience(890, cut=True)


def test_subtitles_have_the_time_of_their_function() -> None:
    assert patience_for(item(1, "text/source"), 900) == Patience(890, cut=True)


def test_items_name_their_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {"text/source": 465, "video/00000/2160p": 2023, "video/00000/2160p,1440p": 3009}
    calls = [Call(key, memory, "any", cpu=30, alone=20, gets=0, puts=0) for key, memory in needs.items()]
    monkeypatch.setattr(bounds, "calls_of", lambda *_, **__: calls)
    for name, value in {"LARGEST_MEMORY": "5307", "LARGE_MEMORY": "3008", "TASK_SECONDS": "900"}.items():
        monkeypatch.setenv(name, value)
    found, _ = bounded(PLAN, MEDIA, [item(None, key) for key in needs], None)
    # 1,769 MB are one vCPU, 3,008 MB 1.7, 5,307 MB three, of which the longest stage leaves one and a half.
    assert [(one.function, one.seconds) for one in found] == [(0, 30.0), (1, 20.0), (2, 20.0)]


def test_a_task_that_fits_the_first_function_alone_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who raises TranscoderMemory need not raise the others."""
    call = Call("video/00000/2160p", 4000, "2160p", 1, 1, 0, 0)
    monkeypatch.setattr(bounds, "calls_of", lambda *_, **__: [call])
    monkeypatch.setenv("TRANSCODER_MEMORY", "5307")
    found, _ = bounded(PLAN, MEDIA, [item(None, call.key)], None)
    assert [one.function for one in found] == [0]


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        (Call("video/00000/360p", 3009, "360p", 1, 1, 0, 0), "task-too-large", "LargestMemory"),
        # Half of 900 s are 450; 6 s x 450 / 600 are 4.5 s, and keyframes are 2 s apart.
        (Call("video/00000/360p", 900, "360p", 600, 600, 0, 0), "task-too-long", "--segment-seconds 4,"),
        (Call("video/00000/360p", 900, "360p", 6000, 6000, 0, 0), "task-too-long", "--preset"),
        (Call("text/source", 900, "subtitles", 1, 1, 60_000, 0), "task-too-long", "--engine local"),
    ],
)
def test_what_no_function_can_carry_is_refused_before_the_first_task(
    call: Call, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "calls_of", lambda *_, **__: [call])
    with pytest.raises(CapExceeded) as refused:
        bounded(PLAN, MEDIA, [item(None, call.key)], None)
    assert refused.value.code == code
    assert call.key in refused.value.message
    assert said in refused.value.hint


def test_what_attempts_cost() -> None:
    stack = Deployment(memory=2048)  # of attempts of earlier versions, which do not say it
    made = [attempt("split", 2), attempt("video/00000/1080p", 10, worker="b"), attempt("audio/en/00000", 5, worker="b"),
            attempt("video/00001/1080p", 10, worker="c", memory=2048), attempt("video/00001/1080p", 8, 2, "d", 4096),
            attempt("poster", 1, worker="e")]  # fmt: skip
    # GB-seconds: split, poster and 4 s of assembling at 3008 MB; 25 s at 2 GB; 8 s at 4 GB; 0.7 s for five starts.
    gb = (2 + 1 + 4) * 3008 / 1024 + 25 * 2 + 8 * 4 + 0.7 * (2 * 3008 / 1024 + 2 * 2 + 4)
    # Six calls. The job has 13 transitions, each of three children 2, and one try more is one more.
    expected = gb * 0.0000166667 + 6 * 0.0000002 + (13 + 6 + 1) * 0.000025 + 0.01
    assert charge(made, stack, assemble_seconds=4, storage=0.01) == pytest.approx(expected, rel=1e-9)
