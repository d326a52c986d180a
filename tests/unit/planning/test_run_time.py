"""Where the time of a run went: timelines made by hand, and expected values computed by hand."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from streamify.errors import Failure
from streamify.model.analysis import RunTime, Step
from streamify.model.attempt import Attempt, Stages, Usage
from streamify.model.job import RunRecord
from streamify.planning.findings import time_findings
from streamify.planning.timeline import run_time

T = 1_000_000.0
"""Start of every run."""


def record(capacity: int = 2, ended: float | None = 20, outcome: str | None = "complete") -> RunRecord:
    return RunRecord.model_validate({
        "id": "r", "engine": "local", "started": T, "ended": None if ended is None else T + ended, "outcome": outcome,
        "capacity": capacity, "workers": capacity, "total": 4,
    })  # fmt: skip


def made(task: str, begin: float, end: float | None, worker: str = "1", cpu: float = 0, **more: object) -> Attempt:
    seconds = (end or begin) - begin
    usage = Usage(seconds=seconds, cpu_seconds=cpu, peak_bytes=0, resident_bytes=0) if cpu else None
    return Attempt.model_validate({
        "task": task, "number": 1, "worker": worker, "started": T + begin, "ended": None if end is None else T + end,
        "outcome": "finished" if end is not None else "running", "usage": usage, **more,
    })  # fmt: skip


def steps(run: RunTime) -> list[tuple[str, str | None, float, float]]:
    return [(one.what, one.task, one.begin, one.seconds) for one in run.path]


def whole(run: RunTime) -> float:
    spent = run.spent
    return (
        spent.start + spent.decode + spent.scale + spent.encode + spent.other + spent.wait + run.lost + run.idle.total
    )


def test_two_workers_by_hand() -> None:
    # worker 1: split 0-2, a 2-10, c 10.5-18;  worker 2: b 3-9 (a pause of nothing), then idle; end at 20
    run = run_time(record(), [
        made("split", 0, 2, cpu=1.5),
        made("video/00000/a", 2, 10, cpu=7, stages=Stages(decode=1, scale=1, encode=4, other=0.5)),
        made("video/00001/a", 3, 9, "2", cpu=6, stages=Stages(encode=6)),
        made("video/00002/a", 10.5, 18, cpu=7.5, stages=Stages(decode=0.5, encode=7)),
    ], None)  # fmt: skip
    assert (run.wall_seconds, run.workers, run.tasks, run.attempts) == (20, 2, 4, 4)
    # other: 1.5 of split, 7 - 6 of a; wait: 0.5 of split, 1 of a
    assert run.spent.model_dump() == {
        "start": 0, "decode": 1.5, "scale": 1, "encode": 17, "other": 2.5, "wait": 1.5,
    }  # fmt: skip
    # planning 0-2: one of two; tail from 10.5, when c began, to 18: one; finishing 18-20: two
    # between: worker 2 in 2-3 and 9-10.5, worker 1 in 10-10.5
    assert run.idle.model_dump() == {"planning": 2, "between": 3, "tail": 7.5, "finishing": 4}
    assert whole(run) == 40
    assert run.cpu_seconds == 22
    assert steps(run) == [
        ("task", "split", 0, 2), ("task", "video/00000/a", 2, 8), ("between", None, 10, 0.5),
        ("task", "video/00002/a", 10.5, 7.5), ("finishing", None, 18, 2),
    ]  # fmt: skip
    assert [(one.task, one.seconds, one.usual) for one in run.slowest[:2]] == [
        ("video/00000/a", 8, 7.5), ("video/00002/a", 7.5, 7.5),
    ]  # fmt: skip


def test_a_pause_belongs_to_the_task_for_which_it_was() -> None:
    # One worker: a runs 0-10 and stands still 3-6, while b runs.
    run = run_time(record(1, 10), [
        made("video/00000/a", 0, 10, "1", cpu=7, paused=3.0, stages=Stages(encode=7)),
        made("video/00005/a", 3, 6, "2", cpu=3, stages=Stages(encode=3)),
    ], None)  # fmt: skip
    assert (run.spent.encode, run.spent.wait, run.idle.total, run.paused) == (10, 0, 0, 3)
    assert whole(run) == 10
    assert [(one.task, one.seconds, one.paused) for one in run.slowest] == [
        ("video/00000/a", 7, 3), ("video/00005/a", 3, 0),
    ]  # fmt: skip
    assert [one.cause for one in time_findings(run, 1)] == ["mostly-encode", "tasks-paused"]


def test_attempts_without_a_result_are_apart() -> None:
    # a: lost after 4 s, 1 s of pause, 5 s that give the result
    why = Failure("video/00000/a", "worker-lost", "ended by SIGKILL", attempts=1, transient=True)
    run = run_time(record(1, 10), [
        made("video/00000/a", 0, 4, "1", outcome="retried", failure=why),
        made("video/00000/a", 5, 10, "2", cpu=5, number=2, stages=Stages(encode=5)),
    ], None)  # fmt: skip
    assert (run.lost, run.spent.encode, run.idle.total, run.tasks, run.attempts) == (4, 5, 1, 1, 2)
    assert steps(run) == [
        ("task", "video/00000/a", 0, 4), ("retry", None, 4, 1), ("task", "video/00000/a", 5, 5),
    ]  # fmt: skip
    [tries] = run.retried
    assert ([one.number for one in tries.attempts], tries.missing) == ([1, 2], 0)
    assert [one.cause for one in time_findings(run, 1)] == ["mostly-encode", "attempts-lost", "idle-between"]


def test_attempts_on_aws_that_left_no_record_are_counted() -> None:
    run = run_time(record(0), [made("video/00000/a", 1, 5, number=3)], None)
    [tries] = run.retried
    assert (run.workers, tries.missing) == (1, 2)


def test_a_run_that_goes_on_is_counted_until_now() -> None:
    attempts = [made("split", 0, 1, cpu=1), made("video/00000/a", 1, None), made("video/00001/a", 2, None, "2")]
    run = run_time(record(2, None, None), attempts, T + 5)
    assert (run.wall_seconds, run.spent.wait, run.spent.other, run.lost, run.idle.total) == (5, 7, 1, 0, 2)
    assert [one.task for one in run.running] == ["video/00000/a", "video/00001/a"]
    assert whole(run) == 10


def test_a_run_that_was_lost_is_counted_until_its_last_sign_of_life() -> None:
    attempts = [made("split", 0, 1, cpu=1), made("video/00000/a", 1, None), made("video/00001/a", 2, 4, "2", cpu=2)]
    run = run_time(record(2, None, None), attempts, None)
    # until 4: a from 1 on gave nothing
    assert (run.wall_seconds, run.lost, run.spent.other, run.spent.wait, run.idle.total) == (4, 3, 3, 0, 2)
    assert whole(run) == 8


def test_a_run_without_attempts() -> None:
    run = run_time(record(2, 3), [], None)
    assert (whole(run), run.idle.finishing, steps(run)) == (6, 6, [("finishing", None, 0, 3)])
    assert (run.slowest, run.retried) == ((), ())


def test_a_run_that_ended_with_its_split() -> None:
    # the split 1-3 of 4 s: one worker of two idle for 3 s, then two for 1 s
    run = run_time(record(2, 4, "failed"), [made("split", 1, 3, cpu=2)], None)
    assert run.idle.model_dump() == {"planning": 4, "between": 0, "tail": 0, "finishing": 2}
    assert whole(run) == 8


def test_functions_on_aws_go_by_their_own_clocks() -> None:
    # 0.5 s before the execution, by that machine's clock, and 0.2 s after its end
    run = run_time(record(0, 8), [made("video/00000/a", -0.5, 4, cpu=4), made("video/00001/a", 2, 8.2, "2")], None)
    assert (run.workers, run.wall_seconds, run.started) == (2, 8.7, T - 0.5)
    assert whole(run) == pytest.approx(17.4)
    assert sum(one.seconds for one in run.path) == pytest.approx(8.7)


@pytest.mark.parametrize("seed", range(20))
def test_the_figures_sum_to_the_wall_time_times_workers(seed: int) -> None:
    dice = random.Random(seed)
    workers, attempts, ends = dice.randint(1, 8), [], []
    for worker in range(workers):
        at = dice.random()
        for number in range(dice.randint(1, 30)):
            end = at + dice.random() * 5
            cpu, outcome = (end - at) * dice.random() * 2, dice.choice(["finished"] * 5 + ["retried", "cancelled"])
            attempts.append(made(f"video/{number:05d}/{worker}", at, end, str(worker), cpu=cpu, outcome=outcome))
            at = end + dice.choice([0.0, 0.001, dice.random()])
        ends.append(at)
    dice.shuffle(attempts)
    run = run_time(record(workers, max(ends) + dice.random()), attempts, None)
    assert whole(run) == pytest.approx(run.wall_seconds * workers, rel=0.001)
    assert sum(one.seconds for one in run.path) == pytest.approx(run.wall_seconds, abs=0.05)
    assert all(one.seconds >= 0 for one in run.path)
    places = [(one.begin, one.begin + one.seconds) for one in run.path]
    assert all(abs(one[1] - two[0]) < 0.001 for one, two in pairwise(places))


@pytest.mark.long
def test_48000_attempts_take_seconds_and_the_path_stays_short() -> None:
    attempts = [made(f"video/{n // 2:05d}/{n % 2}", n // 2, n // 2 + 1, str(n % 2), cpu=1) for n in range(48_000)]
    run = run_time(record(2, 24_000), attempts, None)
    assert (run.spent.other, run.idle.total, len(run.path)) == (48_000, 0, 1000)
    assert run.path[0] == Step(what="earlier", begin=0, seconds=23_001)
