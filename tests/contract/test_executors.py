"""One suite over every executor. To add one: a `Case` in CASES that builds it round `faults.worker.run`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Event as Flag

import pytest

from faults import worker as faults
from faults.worker import LIMITS, MIB, release, task
from selection import sample
from stores import locations
from streamify.errors import REPORT
from streamify.executors.base import Executor, OnEvent, TaskError
from streamify.executors.events import EventDelivery
from streamify.executors.inline import InlineExecutor
from streamify.executors.local.executor import LocalExecutor
from streamify.executors.local.pool import WorkerPool
from streamify.executors.retry import Retry
from streamify.model.attempt import Attempt
from streamify.model.backoff import Backoff
from streamify.model.event import Event
from streamify.model.result import CheckResult, Result
from streamify.model.task import Budget
from streamify.storage.locate import StoreLocations

pytestmark = pytest.mark.timeout(120)
QUICK = Retry(backoff=Backoff(first=0.02, factor=4, longest=30))


def inline(locations: StoreLocations, on_event: OnEvent) -> Executor:
    return InlineExecutor(locations.open(), on_event, faults.run, retry=QUICK)


def local(workers: int) -> Callable[[StoreLocations, OnEvent], Executor]:
    def build(locations: StoreLocations, on_event: OnEvent) -> Executor:
        command = (sys.executable, "-P", faults.__file__)
        return LocalExecutor(locations, workers, on_event, command=command, limits=LIMITS, retry=QUICK)

    return build


def shared(locations: StoreLocations, on_event: OnEvent) -> Executor:
    """Return the younger of two executors over the same workers, which end with it."""
    command = (sys.executable, "-P", faults.__file__)
    pool = WorkerPool(2, command=command, limits=LIMITS, retry=QUICK)
    pool.executor(locations, lambda _: None)
    engine = pool.executor(locations, on_event)
    end = engine.shutdown

    def shutdown(*, cancel: bool) -> None:
        end(cancel=cancel)
        pool.shutdown(cancel=cancel)

    engine.shutdown = shutdown  # type: ignore[method-assign]
    return engine


CASES = {"inline": inline, "local-1": local(1), "local-2": local(2), "shared-2": shared}


NAMES = [*sample(["inline", "local-1", "local-2", "shared-2"], "inline", "local-2", "shared-2"),
         pytest.param("ray-2", marks=pytest.mark.ray)]  # fmt: skip


@dataclass
class Bench:
    engine: Executor
    media: Path
    events: list[Event] = field(default_factory=list)

    def kinds(self, key: str) -> list[str]:
        return [event.kind for event in self.events if event.task == key]

    def attempts(self, key: str) -> int:
        return len(list((self.media / "attempts" / key).iterdir()))

    def failure(self, key: str) -> TaskError:
        error = self.engine.submit(task(key)).exception()
        assert isinstance(error, TaskError)
        assert error.failure.key == key
        return error


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    events: list[Event] = []
    engine = opened(request.param, folders(tmp_path), events.append, request)
    yield Bench(engine, tmp_path / "media", events)
    engine.shutdown(cancel=True)


def opened(name: str, places: StoreLocations, on_event: OnEvent, request: pytest.FixtureRequest) -> Executor:
    """Return an executor; that of Ray is one of several over the places of a pool, which stays."""
    if name == "ray-2":
        executor: Executor = request.getfixturevalue("ray_here").executor(places, on_event)
        return executor
    return CASES[name](places, on_event)


def folders(folder: Path) -> StoreLocations:
    """Return uploads and media below a folder, with the source that every task names."""
    (folder / "uploads").mkdir()
    (folder / "uploads/in.mp4").write_bytes(b"x")
    return locations(folder / "uploads", folder / "media")


def result(key: str) -> Result:
    verb, _, argument = key.split("#")[0].partition(":")
    return CheckResult(key=key, faults=(verb, argument), frames=1)


def test_gives_every_task_its_own_result(bench: Bench) -> None:
    keys = [f"echo:{number}" for number in range(12)]
    futures = [bench.engine.submit(task(key)) for key in keys]
    assert [future.result() for future in futures] == [result(key) for key in keys]


def test_starts_tasks_in_order_of_submission(bench: Bench) -> None:
    keys = [f"sleep:0.0{number % 3}#{number}" for number in range(10)]
    wait([bench.engine.submit(task(key)) for key in keys])
    assert [event.task for event in bench.events if event.kind == "task.started"] == keys


def test_says_what_it_is_before_anything_starts(bench: Bench) -> None:
    bench.engine.submit(task("echo:1")).result()
    first = bench.events[0]
    assert first.kind == "engine.ready"
    assert first.data["engine"] == bench.engine.name
    assert first.data["workers"] == bench.engine.capacity
    assert first.message == first.data["reason"]


def test_reports_start_and_cost_of_a_task(bench: Bench) -> None:
    before = time.monotonic()
    bench.engine.submit(task("sleep:0.1")).result()
    passed = time.monotonic() - before
    assert bench.kinds("sleep:0.1") == ["task.started", "task.finished"]
    finished = bench.events[-1]
    assert finished.worker is not None
    assert finished.attempt == 1
    assert 0.1 <= finished.data["seconds"] <= passed
    assert 0 <= finished.data["cpu_seconds"] < 2
    assert 5 << 20 < finished.data["resident_bytes"] <= finished.data["peak_bytes"]


@pytest.mark.parametrize("name", NAMES)
def test_reports_how_far_a_task_is_four_times_a_second_at_most(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if len([one for one in events if one.kind == "task.progress"]) == 2:
            release(tmp_path / "media", "go")

    engine = opened(name, folders(tmp_path), listen, request)
    engine.submit(task("until:go")).result()  # a report each 20 ms, or less often
    engine.shutdown(cancel=False)
    kinds = [event.kind for event in events if event.task == "until:go"]
    assert kinds == ["task.started", *["task.progress"] * (len(kinds) - 2), "task.finished"]
    reports = [event for event in events if event.kind == "task.progress"]
    assert 2 <= len(reports) <= 4 * events[-1].data["seconds"]
    done = [event.data["done"] for event in reports]
    assert done == sorted(set(done))
    for event in reports:
        assert (event.data["total"], event.data["unit"], event.attempt) == (1 << 30, "pictures", 1)
        assert 0 < event.data["done"] < 1 << 30
        assert event.worker is not None


def test_an_event_comes_before_its_future_is_done(bench: Bench) -> None:
    seen: list[list[str]] = []
    future = bench.engine.submit(task("echo:1"))
    future.add_done_callback(lambda _: seen.append(bench.kinds("echo:1")))
    wait([future])
    bench.engine.shutdown(cancel=False)  # callbacks may run a moment after the wait
    assert seen == [["task.started", "task.finished"]]


@pytest.mark.parametrize(
    ("key", "code", "exit_code", "cause"),
    [
        ("source", "no-video", 3, "in.mp4 has no video (give another file)"),
        ("full", "disk-full", 5, "the disk is full"),
        ("bug", "internal-error", 1, f"ZeroDivisionError: two lines ({REPORT})"),
    ],
)
def test_a_task_that_raises_is_not_tried_again(bench: Bench, key: str, code: str, exit_code: int, cause: str) -> None:
    error = bench.failure(key)
    assert (error.code, error.exit_code, str(error.failure), error.failure.attempts) == (code, exit_code, cause, 1)
    assert bench.attempts(key) == 1
    assert bench.kinds(key) == ["task.started", "task.failed"]
    failed = bench.events[-1]
    assert (failed.message, failed.data["code"], failed.data["exit_code"]) == (cause, code, exit_code)
    assert ("Traceback" in error.failure.log) == (key == "bug")


def test_a_storage_that_recovers_costs_a_retry(bench: Bench) -> None:
    done = bench.engine.submit(task("storage:once")).result()
    assert done == CheckResult(key="storage:once", faults=("storage", "once"), frames=2)
    assert bench.kinds("storage:once") == ["task.started", "task.retried", "task.started", "task.finished"]
    retried = bench.events[2]
    assert retried.attempt == 1
    assert retried.data["code"] == "storage-failed"
    assert retried.data["delay"] > 0


def test_a_storage_that_stays_away_fails_after_three_attempts(bench: Bench) -> None:
    error = bench.failure("storage:always")
    assert (error.code, error.exit_code, error.failure.attempts) == ("storage-failed", 5, 3)
    assert bench.attempts("storage:always") == 3


def test_a_future_holds_the_attempt_that_gave_its_result(bench: Bench) -> None:
    before = time.time()
    future = bench.engine.submit(task("sleep:0.1"))
    future.result()
    [attempt] = future.attempts
    started = next(event for event in bench.events if event.kind == "task.started")
    assert (attempt.task, attempt.number, attempt.outcome) == ("sleep:0.1", 1, "finished")
    assert attempt.worker == (f"{started.host}:{started.worker}" if started.host else str(started.worker))
    assert attempt.failure is None
    assert attempt.ended is not None
    assert before <= attempt.started <= attempt.ended - 0.1 <= time.time() - 0.1
    assert attempt.usage is not None
    assert attempt.usage.seconds >= 0.1
    assert Attempt.from_json(attempt.to_json()) == attempt


def test_a_future_holds_every_attempt_that_failed(bench: Bench) -> None:
    future = bench.engine.submit(task("storage:always"))
    error = future.exception()
    assert isinstance(error, TaskError)
    assert [one.outcome for one in future.attempts] == ["retried", "retried", "failed"]
    assert [one.number for one in future.attempts] == [1, 2, 3]
    assert future.attempts[-1].failure == error.failure
    for number, attempt in enumerate(future.attempts, 1):
        assert attempt.failure is not None
        assert (attempt.failure.code, attempt.failure.attempts) == ("storage-failed", number)
        assert attempt.failure.transient
        assert Attempt.from_json(attempt.to_json()) == attempt
    assert all(one.ended is not None and one.ended <= two.started for one, two in pairwise(future.attempts))


def test_attempts_are_told_as_they_begin_and_as_they_end(bench: Bench) -> None:
    told: list[Attempt] = []
    future = bench.engine.submit(task("storage:once"))
    future.follow(told.append)
    future.result()
    assert [(one.number, one.outcome, one.ended is None) for one in told] == [
        (1, "running", True), (1, "retried", False), (2, "running", True), (2, "finished", False),
    ]  # fmt: skip
    assert tuple(one for one in told if one.ended is not None) == future.attempts


def test_events_say_when_a_task_began_and_ended_and_what_its_time_went_into(bench: Bench) -> None:
    future = bench.engine.submit(task("sleep:0.2"))
    future.result()
    [attempt] = future.attempts
    begun, ended = (event.data for event in bench.events if event.task == "sleep:0.2")
    assert begun == {"kind": "split"}
    assert (ended["started"], ended["ended"], ended["paused"]) == (attempt.started, attempt.ended, 0)
    assert sum(ended["stages"].values()) == pytest.approx(ended["ended"] - ended["started"], abs=0.001)
    assert ended["stages"]["wait"] >= 0.15


def test_width_is_within_capacity(bench: Bench) -> None:
    assert bench.engine.width(Budget(memory_bytes=MIB)) == bench.engine.capacity
    assert bench.engine.width(Budget(memory_bytes=0)) == bench.engine.capacity


@pytest.mark.parametrize("name", NAMES)
def test_a_listener_that_blocks_holds_up_no_task(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seen: list[Event] = []
    released, reports = Flag(), list[Event]()

    def listen(event: Event) -> None:
        released.wait()
        seen.append(event)

    def told(event: Event) -> None:
        events(event)
        if event.kind == "task.progress":
            reports.append(event)
            if len(reports) == 2:
                release(tmp_path / "media", "go")

    places = folders(tmp_path)
    keys = [*(f"echo:{number}" for number in range(20)), "until:go"]
    with EventDelivery(listen) as events:
        engine = opened(name, places, told, request)
        try:
            futures = [engine.submit(task(key)) for key in keys]
            assert [future.result().key for future in futures] == keys
            engine.shutdown(cancel=False)
            assert seen == []
        finally:
            released.set()
    for key in keys[:-1]:
        assert [event.kind for event in seen if event.task == key] == ["task.started", "task.finished"]
    of_last = [event.kind for event in seen if event.task == keys[-1]]
    assert of_last == ["task.started", "task.progress", "task.finished"]  # of several reports the last one


def test_a_failed_task_harms_no_other(bench: Bench) -> None:
    futures = [bench.engine.submit(task(key)) for key in ("echo:1", "source", "echo:2", "bug", "echo:3")]
    wait(futures)
    assert [future.exception() is None for future in futures] == [True, False, True, False, True]


def test_shutdown_drains(bench: Bench) -> None:
    futures = [bench.engine.submit(task(key)) for key in ("sleep:0.1", "storage:once", "echo:1")]
    bench.engine.shutdown(cancel=False)
    assert all(future.done() and not future.cancelled() for future in futures)
    assert [future.exception() for future in futures] == [None, None, None]


def test_takes_nothing_after_shutdown(bench: Bench) -> None:
    bench.engine.shutdown(cancel=True)
    bench.engine.shutdown(cancel=False)  # twice is no error
    with pytest.raises(RuntimeError, match="shut down"):
        bench.engine.submit(task("echo:1"))


def test_shutdown_with_cancel_settles_every_future(bench: Bench) -> None:
    keys = ["echo:1"] if bench.engine.name == "inline" else ["stay", "stay#2", "stay#3", "kill", "stay#4"]
    futures = [bench.engine.submit(task(key)) for key in keys]
    bench.engine.shutdown(cancel=True)  # long before `stay` would end
    assert wait(futures, timeout=0).not_done == set()
