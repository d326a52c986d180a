"""Where the time of an attempt went: by hand."""

from __future__ import annotations

import pytest

from streamify.model.attempt import Attempt, Spent, Stages, Usage
from streamify.planning.timeline import spent


def attempt(seconds: float, cpu: float = 0, paused: float = 0, **stages: float) -> Attempt:
    usage = Usage(seconds=seconds, cpu_seconds=cpu, peak_bytes=0, resident_bytes=0)
    return Attempt(
        task="video/00000/a", number=1, worker="7", started=100, ended=100 + seconds, outcome="finished",
        stages=Stages(**stages), usage=usage, paused=paused,
    )  # fmt: skip


def test_what_is_no_cpu_time_is_waiting() -> None:
    one = attempt(10, cpu=8, decode=1, scale=2, encode=4, other=0.5)
    assert spent(one) == Spent(decode=1, scale=2, encode=4, other=1, wait=2)


def test_a_pause_is_no_time_of_the_worker() -> None:
    assert spent(attempt(10, cpu=5, paused=4, encode=5)) == Spent(encode=5, wait=1)


def test_more_cpu_time_than_time_is_shared_out() -> None:
    # 12 CPU seconds in 6 s, on two threads: each stage has half of its CPU time.
    assert spent(attempt(6, cpu=12, decode=2, encode=10)) == Spent(decode=1, encode=5)


def test_what_the_worker_did_not_measure_is_its_start() -> None:
    # 5 s from the outside, 2 s of a pause among them; the worker measured 4.5 s, its pause among them
    one = attempt(5, cpu=2, paused=2, encode=2)
    assert one.usage is not None
    one = one.model_copy(update={"usage": one.usage.model_copy(update={"seconds": 4.5})})
    assert spent(one) == Spent(start=0.5, encode=2, wait=0.5)


def test_a_task_whose_stages_are_not_measured() -> None:
    assert spent(attempt(3, cpu=2)) == Spent(other=2, wait=1)


def test_a_worker_that_was_lost_left_nothing_and_one_that_runs_neither() -> None:
    lost = attempt(3).model_copy(update={"usage": None, "outcome": "retried"})
    assert spent(lost) == Spent(wait=3)
    assert spent(lost.model_copy(update={"ended": None, "outcome": "running"})) == Spent()


@pytest.mark.parametrize("cpu", [0.0, 3.3333, 10.0, 47.1])
def test_the_parts_sum_to_the_time_without_pauses(cpu: float) -> None:
    parts = spent(attempt(10, cpu=cpu, paused=1.25, decode=cpu / 3, scale=cpu / 7, encode=cpu / 5)).model_dump()
    assert sum(parts.values()) == pytest.approx(8.75, abs=0.001)
