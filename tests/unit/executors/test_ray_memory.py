"""Tasks that run out of memory on a cluster, and nodes that are full; the cluster is a table in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ray_table import LARGE, USAGE, Bench, Table, card, done, failure
from streamify.errors import Failure
from streamify.executors.ray.dispatch import STARTS
from streamify.executors.ray.news import Asked, Ended, Gone, Lost
from streamify.executors.ray.parcel import packed
from streamify.executors.wire import Failed
from streamify.machine.limits import GIB
from streamify.model.task import Budget

pytestmark = pytest.mark.usefixtures("sound_by_key")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("code", ["worker-out-of-memory", "worker-killed"])
def test_a_task_that_runs_out_of_memory_asks_for_more_twice(bench: Bench, code: str) -> None:
    future = bench.submit("echo:1", Budget(memory_bytes=100 << 20))
    for number in (1, 2, 3):
        bench.happens()
        bench.happens(Asked(number, card()))
        bench.happens(Lost(number, code, "gone"))
    assert list(bench.table.asked.values()) == [GIB // 4, GIB // 2, GIB]
    assert (failure(future).code, failure(future).attempts) == (code, 3)
    assert failure(future).cause == "gone; it had asked for 1 GiB"
    assert "memory" in failure(future).hint
    assert [one.more_memory for one in future.attempts] == [None, GIB // 2, GIB]
    started = [event.data for event in bench.events if event.kind == "task.started"]
    assert [data.get("more_memory") for data in started] == [None, GIB // 2, GIB]


def test_a_task_asks_for_no_more_memory_than_a_node_has_and_its_attempts_say_so(bench: Bench) -> None:
    future = bench.submit("echo:1", Budget(memory_bytes=3 * GIB))
    for number in (1, 2, 3):
        bench.happens()
        bench.happens(Asked(number, card()))
        bench.happens(Lost(number, "worker-out-of-memory", "gone"))
    assert list(bench.table.asked.values()) == [3 * GIB, 4 * GIB, 4 * GIB]
    assert [one.more_memory for one in future.attempts] == [None, 4 * GIB, 4 * GIB]


def test_a_task_that_had_the_largest_node_has_had_no_less_than_it_asks_for_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Table(local=True))
    future = bench.submit("echo:1", Budget(memory_bytes=5 * GIB))
    for number in (1, 2):
        bench.happens()
        bench.happens(Asked(number, card()), Lost(number, "worker-out-of-memory", "gone"))
    assert set(bench.table.asked.values()) == {4 * GIB}
    assert [one.more_memory for one in future.attempts] == [None, None]


def test_a_task_that_failed_in_the_place_of_a_larger_one_asks_for_more_than_that_had(bench: Bench) -> None:
    bench.submit("echo:large", LARGE)
    future = bench.submit("echo:small", Budget(memory_bytes=GIB // 4), priority=30)
    bench.happens()
    bench.happens(Asked(2, card()))
    assert (bench.table.given[2], bench.table.asked[2]) == ("echo:small", 2 * GIB)
    bench.happens(Lost(2, "worker-out-of-memory", "gone"))
    bench.happens()
    [attempt] = future.attempts
    assert attempt.failure is not None
    assert attempt.failure.cause == "gone; it had asked for 2 GiB"
    assert 4 * GIB in bench.table.asked.values()


def test_a_task_that_crashes_asks_for_no_more_memory(bench: Bench) -> None:
    future = bench.submit("echo:1")
    crashed = Failure("echo:1", "worker-killed", "ended by SIGSEGV", transient=True, signal="SIGSEGV")
    for number in (1, 2):
        bench.happens()
        bench.happens(Asked(number, card()))
        bench.happens(Ended(number, packed(Failed(failure=crashed, usage=USAGE))))
    bench.happens()
    assert set(bench.table.asked.values()) == {GIB // 2}
    assert [one.more_memory for one in future.attempts] == [None, None]


def test_a_full_node_ends_a_job_only_where_nothing_else_runs(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(2)]
    bench.happens()
    bench.happens(Asked(1, card()))
    for number in range(2, 2 + 2 * STARTS):
        bench.happens(Lost(number, "worker-out-of-memory", "full"))
    assert not any(future.done() for future in futures)
    bench.happens(done(1, "echo:0"))
    for number in range(2 + 2 * STARTS, 2 + 3 * STARTS):
        bench.happens(Lost(number, "worker-out-of-memory", "full"))
    assert futures[0].result(timeout=0).key == "echo:0"
    assert (failure(futures[1]).code, failure(futures[1]).exit_code) == ("ray-out-of-memory", 5)


def test_a_cluster_on_which_no_mailbox_stays_for_want_of_memory_fails_what_runs(bench: Bench) -> None:
    futures = [bench.submit(f"echo:{number}") for number in range(6)]
    bench.happens()
    bench.happens(Asked(1, card()), Gone("no mailbox stays", full=True))
    assert {(failure(future).code, failure(future).exit_code) for future in futures} == {("ray-out-of-memory", 5)}
