"""Tasks that cannot wait: they start beside the others, which pause and lose nothing."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from executor_bench import Bench, Clock
from faults.worker import BUDGET, task
from streamify.executors.base import TaskFuture
from streamify.model.result import CheckResult
from waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process states are read on Linux"),
]

URGENT = 10


def pid_of(bench: Bench, key: str) -> int:
    [started] = [event for event in bench.of("task.started") if event.task == key]
    assert started.worker is not None
    return int(started.worker)


def stopped(bench: Bench, key: str) -> bool:
    """Whether the process of a task stands still, and that was told."""
    paused = len([event for event in bench.of("task.paused") if event.task == key])
    resumed = len([event for event in bench.of("task.resumed") if event.task == key])
    return paused > resumed and bool(psutil.Process(pid_of(bench, key)).status() == psutil.STATUS_STOPPED)


def goes_on(bench: Bench, key: str) -> bool:
    return bool(psutil.Process(pid_of(bench, key)).status() != psutil.STATUS_STOPPED)


def started(bench: Bench, *keys: str) -> bool:
    return set(keys) <= {event.task for event in bench.of("task.started")}


def moving(bench: Bench, *keys: str) -> bool:
    """Whether the workers of these tasks are at work: a worker that loads itself may be paused too."""
    return set(keys) <= {event.task for event in bench.of("task.progress")}


def attempts(future: TaskFuture) -> int:
    result = future.result()
    assert isinstance(result, CheckResult)
    return result.frames


def test_an_urgent_task_starts_at_once_and_the_youngest_other_pauses(bench: Bench) -> None:
    engine = bench.start(2, urgent=URGENT)
    usual = [engine.submit(task("until:old"))]
    wait_until(lambda: started(bench, "until:old"))
    usual += [engine.submit(task("until:young")), engine.submit(task("echo:3"))]
    wait_until(lambda: moving(bench, "until:old", "until:young"))
    before = time.monotonic()
    urgent = engine.submit(task("until:urgent", priority=URGENT))
    wait_until(lambda: started(bench, "until:urgent") and stopped(bench, "until:young"))
    while_paused = time.monotonic()
    assert goes_on(bench, "until:old")
    assert not started(bench, "echo:3")
    time.sleep(0.1)
    least = time.monotonic() - while_paused
    bench.release("urgent")
    assert attempts(urgent) == 1
    assert not usual[1].done()
    wait_until(lambda: goes_on(bench, "until:young") and bool(bench.of("task.resumed")))
    most = time.monotonic() - before
    bench.release("old", "young")
    assert [attempts(future) for future in usual] == [1, 1, 1]
    assert len({pid_of(bench, key) for key in ("until:old", "until:young", "until:urgent")}) == 3
    [paused], [resumed] = bench.of("task.paused"), bench.of("task.resumed")
    assert (paused.task, resumed.task) == ("until:young", "until:young")
    [attempt] = usual[1].attempts
    assert least <= attempt.paused <= most
    assert usual[0].attempts[0].paused == 0


def test_a_worker_stands_ready_for_an_urgent_task_while_all_are_busy(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT, spare=True)
    usual = engine.submit(task("until:usual"))
    wait_until(lambda: len(bench.processes()) == 2)
    before = {process.pid for process in bench.processes()}
    assert attempts(engine.submit(task("echo:3", priority=URGENT))) == 1
    assert pid_of(bench, "echo:3") in before - {pid_of(bench, "until:usual")}
    assert attempts(engine.submit(task("echo:4", priority=URGENT))) == 1
    bench.release("usual")
    assert attempts(usual) == 1
    assert {process.pid for process in bench.processes()} == before  # one, however many urgent tasks came


@pytest.mark.long
def test_an_urgent_task_that_uses_all_cores_has_them(bench: Bench) -> None:
    """A viewer waits for it; its second thread would share a core with what can wait."""
    engine = bench.start(2, urgent=URGENT)
    usual = [engine.submit(task(f"until:usual#{number}")) for number in range(2)]
    wait_until(lambda: moving(bench, "until:usual#0", "until:usual#1"))
    both = BUDGET.model_copy(update={"cores": 2})
    urgent = engine.submit(task("until:urgent", both, URGENT + 1))
    wait_until(lambda: stopped(bench, "until:usual#0") and stopped(bench, "until:usual#1"))
    small = engine.submit(task("echo:1", priority=URGENT + 2))  # for one core there is room before it
    equal = engine.submit(task("echo:2", priority=URGENT + 1))
    usual.append(engine.submit(task("echo:3")))
    assert attempts(small) == 1
    assert not any(future.done() for future in (urgent, equal, *usual))
    bench.release("urgent", "usual")
    assert [attempts(future) for future in (urgent, equal, *usual)] == [1] * 5
    ended = [event.task for event in bench.of("task.finished")]
    assert ended[:2] == ["echo:1", "until:urgent"]
    paused = {event.task for event in bench.of("task.paused")}
    assert paused == {"until:usual#0", "until:usual#1"}


@pytest.mark.long
def test_a_task_that_is_no_longer_urgent_pauses_for_one_that_is(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT)
    before = engine.submit(task("until:before", priority=URGENT + 1))
    wait_until(lambda: moving(bench, "until:before"))
    after = engine.submit(task("until:after", priority=URGENT))
    engine.rank("until:before", 0)
    wait_until(lambda: stopped(bench, "until:before"))
    bench.release("after", "before")
    assert [attempts(future) for future in (after, before)] == [1, 1]
    assert [event.task for event in bench.of("task.finished")] == ["until:after", "until:before"]


def test_the_time_of_a_pause_does_not_count(bench: Bench, clock: Clock) -> None:
    engine = bench.start(1, urgent=URGENT, timeout=None, stall=300)
    short, long = (BUDGET.model_copy(update={"cpu_seconds": seconds}) for seconds in (300, 100_000))
    usual = engine.submit(task("until:usual", short))  # it may take 600 s
    wait_until(lambda: moving(bench, "until:usual"))
    urgent = engine.submit(task("until:urgent", long, URGENT))
    wait_until(lambda: stopped(bench, "until:usual") and moving(bench, "until:urgent"))
    clock.forward(1000, engine)
    bench.release("urgent")
    assert attempts(urgent) == 1
    wait_until(lambda: goes_on(bench, "until:usual"))
    bench.release("usual")
    assert attempts(usual) == 1
    assert bench.of("task.retried") == []
    assert usual.attempts[0].paused >= 1000


def test_no_more_urgent_tasks_run_at_once_than_there_are_workers(bench: Bench) -> None:
    engine = bench.start(2, urgent=URGENT)
    usual = [engine.submit(task(f"until:usual#{number}")) for number in range(2)]
    wait_until(lambda: moving(bench, "until:usual#0", "until:usual#1"))
    urgent = [engine.submit(task(f"until:urgent#{number}", priority=URGENT)) for number in range(5)]
    wait_until(lambda: moving(bench, "until:urgent#0", "until:urgent#1"))
    bench.release("urgent", "usual")
    assert [attempts(future) for future in (*urgent, *usual)] == [1] * 7
    assert len({event.worker for event in bench.of("task.started")}) <= 4
    running, most = set[str | None](), 0
    for event in bench.events:
        if event.task is None or not event.task.startswith("until:urgent"):
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
    usual = engine.submit(task("until:usual"))
    wait_until(lambda: moving(bench, "until:usual"))
    ahead = [engine.submit(task(f"until:ahead#{number}", priority=URGENT)) for number in range(2)]
    wait_until(lambda: moving(bench, "until:ahead#0"))
    urgent = engine.submit(task("until:urgent", priority=URGENT + 1))
    wait_until(lambda: started(bench, "until:urgent"))
    wait_until(lambda: stopped(bench, "until:ahead#0") and stopped(bench, "until:usual"))
    bench.release("urgent")
    assert attempts(urgent) == 1
    wait_until(lambda: goes_on(bench, "until:ahead#0"))
    assert stopped(bench, "until:usual")
    assert not any(future.done() for future in (usual, *ahead))
    assert not started(bench, "until:ahead#1")  # equally urgent as the first: it waits its turn
    bench.release("ahead", "usual")
    assert [attempts(future) for future in (*ahead, usual)] == [1, 1, 1]


def test_without_a_limit_of_urgency_every_task_waits_its_turn(bench: Bench) -> None:
    engine = bench.start(1)
    usual = engine.submit(task("until:usual"))
    wait_until(lambda: moving(bench, "until:usual"))
    urgent = engine.submit(task("echo:1", priority=1000))
    bench.release("usual")
    assert [attempts(future) for future in (urgent, usual)] == [1, 1]
    order = [(event.kind, event.task) for event in bench.events if event.kind in ("task.started", "task.finished")]
    assert order.index(("task.finished", "until:usual")) < order.index(("task.started", "echo:1"))


def test_a_paused_worker_ends_with_its_executor(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT)
    engine.submit(task("until:usual"))
    wait_until(lambda: moving(bench, "until:usual"))
    engine.submit(task("until:urgent", priority=URGENT))
    wait_until(lambda: stopped(bench, "until:usual"))
    engine.shutdown(cancel=True)  # the bench sees that no process is left


@pytest.mark.long
def test_a_task_that_becomes_urgent_goes_on_and_starts_before_others(bench: Bench) -> None:
    engine = bench.start(1, urgent=URGENT)
    usual = [engine.submit(task("until:usual")), engine.submit(task("echo:1")), engine.submit(task("echo:2"))]
    wait_until(lambda: moving(bench, "until:usual"))
    urgent = engine.submit(task("until:urgent", priority=URGENT))
    wait_until(lambda: stopped(bench, "until:usual"))
    engine.rank("until:usual", URGENT + 1)
    wait_until(lambda: goes_on(bench, "until:usual"))
    assert not urgent.done()
    engine.rank("echo:2", 1)
    engine.rank("no such task", 1)
    bench.release("usual", "urgent")
    assert [attempts(future) for future in (*usual, urgent)] == [1, 1, 1, 1]
    order = [event.task for event in bench.of("task.started")]
    assert order.index("echo:2") < order.index("echo:1")
