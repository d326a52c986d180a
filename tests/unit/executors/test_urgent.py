"""Tasks that cannot wait: they start beside the others, which pause and lose nothing."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from executor_bench import Bench, wait_until
from faults.worker import BUDGET, task
from streamify.executors.base import TaskFuture
from streamify.model.result import CheckResult

pytestmark = [
    pytest.mark.timeout(30),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process states are read on Linux"),
]

URGENT = 10


def pid_of(bench: Bench, key: str) -> int:
    [started] = [event for event in bench.of("task.started") if event.task == key]
    assert started.worker is not None
    return int(started.worker)


def stopped(pid: int) -> bool:
    return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)


def started(bench: Bench, *keys: str) -> bool:
    return set(keys) <= {event.task for event in bench.of("task.started")}


def moving(bench: Bench, *keys: str) -> bool:
    """Whether the workers of these tasks are at work: a worker that loads itself may be paused too."""
    return set(keys) <= {event.task for event in bench.of("task.progress")}


def attempts(future: TaskFuture) -> int:
    result = future.result(timeout=60)
    assert isinstance(result, CheckResult)
    return result.frames


def test_an_urgent_task_starts_at_once_and_the_youngest_other_pauses(bench: Bench) -> None:
    engine = bench.start(2, urgent=URGENT)
    usual = [engine.submit(task("count:500#1"))]
    wait_until(lambda: started(bench, "count:500#1"))
    time.sleep(0.01)  # start times are compared
    usual += [engine.submit(task("count:500#2")), engine.submit(task("echo:3"))]
    wait_until(lambda: moving(bench, "count:500#1", "count:500#2"))
    urgent = engine.submit(task("sleep:2", priority=URGENT))
    wait_until(lambda: started(bench, "sleep:2"))
    wait_until(lambda: stopped(pid_of(bench, "count:500#2")))
    assert not stopped(pid_of(bench, "count:500#1"))
    assert attempts(urgent) == 1
    assert not usual[1].done()
    wait_until(lambda: not stopped(pid_of(bench, "count:500#2")))
    assert [attempts(future) for future in usual] == [1, 1, 1]
    assert len({pid_of(bench, key) for key in ("count:500#1", "count:500#2", "sleep:2")}) == 3
    [paused], [resumed] = bench.of("task.paused"), bench.of("task.resumed")
    assert (paused.task, resumed.task) == ("count:500#2", "count:500#2")
    [attempt] = usual[1].attempts
    assert 1.9 <= attempt.paused == pytest.approx(resumed.time - paused.time, abs=0.5)
    assert usual[0].attempts[0].paused == 0


def test_a_worker_stands_ready_for_an_urgent_task_while_all_are_busy(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT, spare=True)
    usual = engine.submit(task("count:300"))
    wait_until(lambda: len(bench.processes()) == 2)
    before = {process.pid for process in bench.processes()}
    assert attempts(engine.submit(task("echo:3", priority=URGENT))) == 1
    assert pid_of(bench, "echo:3") in before - {pid_of(bench, "count:300")}
    assert attempts(engine.submit(task("echo:4", priority=URGENT))) == 1
    assert attempts(usual) == 1
    assert {process.pid for process in bench.processes()} == before  # one, however many urgent tasks came


@pytest.mark.long
def test_an_urgent_task_that_uses_all_cores_has_them(bench: Bench) -> None:
    """A viewer waits for it; its second thread would share a core with what can wait."""
    engine = bench.start(2, urgent=URGENT)
    usual = [engine.submit(task(f"count:300#{number}")) for number in range(2)]
    wait_until(lambda: moving(bench, "count:300#0", "count:300#1"))
    both = BUDGET.model_copy(update={"cores": 2})
    urgent = engine.submit(task("count:300#urgent", both, URGENT + 1))
    wait_until(lambda: stopped(pid_of(bench, "count:300#0")) and stopped(pid_of(bench, "count:300#1")))
    small = engine.submit(task("echo:1", priority=URGENT + 2))  # for one core there is room before it
    equal = engine.submit(task("echo:2", priority=URGENT + 1))
    usual.append(engine.submit(task("echo:3")))
    assert [attempts(future) for future in (small, urgent, equal, *usual)] == [1] * 6
    ended = [event.task for event in bench.of("task.finished")]
    assert ended[:2] == ["echo:1", "count:300#urgent"]
    paused = {event.task for event in bench.of("task.paused")}
    assert paused == {"count:300#0", "count:300#1"}


@pytest.mark.long
def test_a_task_that_is_no_longer_urgent_pauses_for_one_that_is(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT)
    before = engine.submit(task("count:300#before", priority=URGENT + 1))
    wait_until(lambda: moving(bench, "count:300#before"))
    after = engine.submit(task("count:300#after", priority=URGENT))
    engine.rank("count:300#before", 0)
    wait_until(lambda: stopped(pid_of(bench, "count:300#before")))
    assert [attempts(future) for future in (after, before)] == [1, 1]
    assert [event.task for event in bench.of("task.finished")] == ["count:300#after", "count:300#before"]


@pytest.mark.long
def test_the_time_of_a_pause_does_not_count(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT, timeout=5.0)
    usual = engine.submit(task("count:200"))  # about a second, and with much beside it less than five
    wait_until(lambda: moving(bench, "count:200"))
    urgent = [engine.submit(task(f"sleep:2#{number}", priority=URGENT)) for number in range(3)]
    assert [attempts(future) for future in (*urgent, usual)] == [1, 1, 1, 1]
    assert bench.of("task.retried") == []


def test_no_more_urgent_tasks_run_at_once_than_there_are_workers(bench: Bench) -> None:
    engine = bench.start(2, urgent=URGENT)
    usual = [engine.submit(task(f"count:100#{number}")) for number in range(2)]
    wait_until(lambda: moving(bench, "count:100#0", "count:100#1"))
    urgent = [engine.submit(task(f"sleep:0.3#{number}", priority=URGENT)) for number in range(5)]
    assert [attempts(future) for future in (*urgent, *usual)] == [1] * 7
    assert len({event.worker for event in bench.of("task.started")}) <= 4
    running, most = set[str | None](), 0
    for event in bench.events:
        if event.task is None or not event.task.startswith("sleep"):
            continue
        if event.kind == "task.started":
            running.add(event.task)
        if event.kind == "task.finished":
            running.remove(event.task)
        most = max(most, len(running))
    assert most == 2


@pytest.mark.long
def test_the_more_urgent_task_starts_at_once_and_the_less_urgent_one_pauses(bench: Bench) -> None:
    """A viewer who seeks does not wait for what was made ahead of the place that he left."""
    engine = bench.start(1, urgent=URGENT)
    usual = engine.submit(task("count:200"))
    wait_until(lambda: moving(bench, "count:200"))
    ahead = [engine.submit(task(f"count:300#{number}", priority=URGENT)) for number in range(2)]
    wait_until(lambda: moving(bench, "count:300#0"))
    urgent = engine.submit(task("sleep:2", priority=URGENT + 1))
    wait_until(lambda: started(bench, "sleep:2"))
    wait_until(lambda: stopped(pid_of(bench, "count:300#0")))
    assert stopped(pid_of(bench, "count:200"))
    assert attempts(urgent) == 1
    assert not any(future.done() for future in (usual, *ahead))
    assert not started(bench, "count:300#1")  # equally urgent as the first: it waits its turn
    wait_until(lambda: not stopped(pid_of(bench, "count:300#0")))
    assert [attempts(future) for future in (*ahead, usual)] == [1, 1, 1]


def test_without_a_limit_of_urgency_every_task_waits_its_turn(bench: Bench) -> None:
    engine = bench.start(1)
    usual = engine.submit(task("sleep:0.3"))
    wait_until(lambda: started(bench, "sleep:0.3"))
    attempts(engine.submit(task("echo:1", priority=1000)))
    assert usual.done()


def test_a_paused_worker_ends_with_its_executor(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT)
    engine.submit(task("count:1000"))
    wait_until(lambda: moving(bench, "count:1000"))
    engine.submit(task("sleep:20", priority=URGENT))
    wait_until(lambda: stopped(pid_of(bench, "count:1000")))
    engine.shutdown(cancel=True)  # the bench sees that no process is left


@pytest.mark.long
def test_a_task_that_becomes_urgent_goes_on_and_starts_before_others(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT)
    usual = [engine.submit(task("count:200")), engine.submit(task("echo:1")), engine.submit(task("echo:2"))]
    wait_until(lambda: moving(bench, "count:200"))
    urgent = engine.submit(task("sleep:2", priority=URGENT))
    wait_until(lambda: stopped(pid_of(bench, "count:200")))
    engine.rank("count:200", URGENT + 1)
    wait_until(lambda: not stopped(pid_of(bench, "count:200")))
    assert not urgent.done()
    engine.rank("echo:2", 1)
    engine.rank("no such task", 1)
    assert [attempts(future) for future in (*usual, urgent)]
    order = [event.task for event in bench.of("task.started")]
    assert order.index("echo:2") < order.index("echo:1")
