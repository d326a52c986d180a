"""What only worker processes can suffer."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, wait
from pathlib import Path

import psutil
import pytest

from executor_bench import COMMAND, Bench, wait_until
from faults.worker import LIMITS, MIB, task
from selection import sample
from streamify.executors.base import TaskError
from streamify.executors.log import LOG_BYTES
from streamify.machine.limits import WorkerLimits
from streamify.model.event import Event
from streamify.model.result import CheckResult
from streamify.model.task import Budget

pytestmark = [
    pytest.mark.timeout(30),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and orphans are tested on Linux"),
]


@pytest.mark.parametrize(
    ("key", "code", "name", "said"),
    [
        ("kill:once", "worker-killed", "SIGKILL", "stderr of kill:once"),
        ("segfault:once", "worker-killed", "SIGSEGV", "in _misbehave"),  # faulthandler's stack
        ("exit:once", "worker-exited", None, "stdout of exit:once"),
        ("eat:once", "worker-out-of-memory", None, "MemoryError"),
    ],
)
def test_a_lost_worker_costs_its_task_a_retry(bench: Bench, key: str, code: str, name: str | None, said: str) -> None:
    engine = bench.start(2)
    other = engine.submit(task("sleep:0.3"))
    done = engine.submit(task(key)).result(timeout=60)
    assert isinstance(done, CheckResult)
    assert done.frames == 2  # the second attempt
    assert other.exception(timeout=60) is None
    [retried] = bench.of("task.retried")
    assert (retried.task, retried.attempt, retried.data["code"], retried.data["signal"]) == (key, 1, code, name)
    assert said in retried.data["log"]
    pids = [event.worker for event in bench.of("task.started") if event.task == key]
    assert len(set(pids)) == 2  # a fresh process


@pytest.mark.long
def test_a_task_that_used_up_its_cpu_time_is_not_tried_again(bench: Bench) -> None:
    error = bench.start(1).submit(task("spin:once")).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert (error.code, error.failure.signal, error.failure.attempts) == ("worker-cpu-limit", "SIGXCPU", 1)


def test_a_poisoned_task_fails_after_three_attempts_with_its_log(bench: Bench) -> None:
    engine = bench.start(2)
    futures = [engine.submit(task(key)) for key in ("flood:always", "echo:1", "echo:2")]
    error = futures[0].exception(timeout=60)
    assert isinstance(error, TaskError)
    assert (error.code, error.exit_code, error.failure.attempts) == ("worker-killed", 4, 3)
    assert "SIGKILL" in error.failure.cause
    assert error.failure.log.endswith("flood\nlast words\n")
    assert len(error.failure.log.encode()) == LOG_BYTES
    [failed] = bench.of("task.failed")
    assert failed.data["log"] == error.failure.log
    assert [event.attempt for event in bench.of("task.retried")] == [1, 2]
    assert [future.exception(timeout=60) for future in futures[1:]] == [None, None]


def test_a_hung_task_is_killed_even_inside_c(bench: Bench) -> None:
    engine = bench.start(timeout=1.0)
    done = engine.submit(task("hang:once", Budget(cpu_seconds=60, memory_bytes=100 * MIB))).result(timeout=60)
    assert isinstance(done, CheckResult)
    assert done.frames == 2
    [retried] = bench.of("task.retried")
    assert retried.data["code"] == "worker-hung"


def test_a_worker_that_does_nothing_counts_as_hung_long_before_its_time_is_up(bench: Bench) -> None:
    engine = bench.start(stall=0.5)
    error = engine.submit(task("sleep:50")).exception(timeout=25)
    assert isinstance(error, TaskError)
    assert (error.failure.code, error.failure.cause) == ("worker-hung", "it did nothing for 0.5 s")


@pytest.mark.long
def test_a_worker_that_works_may_take_its_time(bench: Bench) -> None:
    engine = bench.start(stall=0.3, timeout=0.9)
    error = engine.submit(task("spin")).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert error.failure.cause != "it did nothing for 0.3 s"


@pytest.mark.long
def test_a_stopped_worker_counts_as_hung(bench: Bench) -> None:
    engine = bench.start(timeout=1.0)
    assert engine.submit(task("signal:SIGSTOP")).exception(timeout=60) is not None
    assert {event.data["code"] for event in bench.of("task.retried")} == {"worker-hung"}


@pytest.mark.long
def test_a_worker_that_starts_slowly_does_not_take_the_time_of_its_task(bench: Bench) -> None:
    code = f"import os, sys, time; time.sleep(2); os.execv({COMMAND[0]!r}, [*{COMMAND!r}, sys.argv[-1]])"
    engine = bench.start(command=(sys.executable, "-c", code), timeout=1.5)
    assert engine.submit(task("echo:1")).exception(timeout=60) is None
    assert bench.of("task.retried") == []


def test_a_worker_that_never_gets_ready_counts_as_one_that_cannot_start(bench: Bench) -> None:
    engine = bench.start(command=(sys.executable, "-c", "import time; time.sleep(60)"), start=0.5)
    futures = [engine.submit(task(f"echo:{number}")) for number in range(20)]
    for future in futures:
        error = future.exception(timeout=60)
        assert isinstance(error, TaskError)
        assert (error.code, error.exit_code) == ("worker-start-failed", 5)
        assert error.failure.cause == "the worker was not ready within 0.5 s"
    assert len(bench.of("task.started")) == 3  # by then it is clear that none can start


@pytest.mark.long
def test_spare_workers_that_never_get_ready_cost_no_attempt(bench: Bench, tmp_path: Path) -> None:
    """The first worker starts well, the three beside it hang, and later ones start well again."""
    seen = tmp_path / "pids"
    code = (
        "import os, sys, time\n"
        f"with open({str(seen)!r}, 'a') as file: file.write(f'{{os.getpid()}}\\n')\n"
        f"while len(four := open({str(seen)!r}).readlines()[:4]) < 4: time.sleep(0.01)\n"
        "if os.getpid() in sorted(map(int, four))[1:]: time.sleep(60)\n"  # they are started one after another
        f"os.execv({COMMAND[0]!r}, [*{COMMAND!r}, sys.argv[-1]])"
    )
    engine = bench.start(4, command=(sys.executable, "-c", code), start=5, warm=True)
    first = engine.submit(task("sleep:6"))
    wait_until(lambda: seen.exists() and len(seen.read_text().split()) == 4)
    wait_until(lambda: len(bench.processes()) == 1)  # the three are given up
    assert engine.submit(task("echo:2")).exception(timeout=60) is None
    assert first.exception(timeout=60) is None
    assert bench.of("task.retried") == []


def test_a_worker_cannot_extend_its_own_time(bench: Bench) -> None:
    code = 'import os, sys, time\nwhile True: os.write(int(sys.argv[-1]), b\'{"kind":"ready"}\\n\'); time.sleep(0.1)'
    error = bench.start(command=(sys.executable, "-c", code)).submit(task("echo:1")).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert (error.code, error.failure.attempts) == ("worker-garbled", 3)


@pytest.mark.long
def test_kills_at_random_lose_no_task(bench: Bench) -> None:
    dice, killed = random.Random(7), []

    def kill_some(event: Event) -> None:
        bench.events.append(event)
        if event.kind == "task.started" and event.worker and event.attempt != 3 and dice.random() < 0.3:
            killed.append(event.task)
            os.kill(event.worker, signal.SIGKILL)

    engine = bench.start(3, on_event=kill_some)
    keys = [f"sleep:0.01#{number}" for number in range(30)]
    futures = [engine.submit(task(key)) for key in keys]
    assert [future.result(timeout=60).key for future in futures] == keys
    assert len(killed) >= 5
    assert sorted(event.task or "" for event in bench.of("task.retried")) == sorted(filter(None, killed))
    assert sorted(event.task or "" for event in bench.of("task.finished")) == sorted(keys)


def test_a_worker_that_leaks_is_replaced(bench: Bench) -> None:
    engine = bench.start()
    for key in ("leak", "echo:1", "echo:2"):
        engine.submit(task(key)).result(timeout=60)
    workers = [event.worker for event in bench.of("task.started")]
    assert workers[0] != workers[1] == workers[2]
    [note] = bench.of("note")
    assert "replaced" in note.message
    assert bench.of("task.retried") == []


def test_an_idle_worker_that_dies_costs_nothing(bench: Bench) -> None:
    engine = bench.start()
    engine.submit(task("echo:1")).result(timeout=60)
    pid = bench.of("task.started")[0].worker
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid))  # reaped, so the engine knows
    engine.submit(task("echo:2")).result(timeout=60)
    assert bench.of("task.retried") == []


def test_the_log_holds_nothing_of_earlier_tasks(bench: Bench) -> None:
    engine = bench.start()
    engine.submit(task("echo:1")).result(timeout=60)
    error = engine.submit(task("source")).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert error.failure.log == "stdout of source\nstderr of source\n"


def test_a_task_cannot_reach_the_pipes(bench: Bench) -> None:
    assert bench.start().submit(task("stdin")).exception(timeout=60) is None


def test_files_are_limited_in_size(bench: Bench) -> None:
    error = bench.start().submit(task("file")).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert "File too large" in error.failure.cause
    assert [path.name for path in bench.locations.media.path.iterdir()] == ["attempts"]  # no half file


def test_workers_are_confined(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with Path(os.devnull).open() as extra:
        os.set_inheritable(extra.fileno(), True)
        engine = bench.start()
        engine.submit(task("echo:1")).result(timeout=60)
        pid = bench.of("task.started")[0].worker
        assert pid is not None
        worker = psutil.Process(pid)
        assert worker.rlimit(psutil.RLIMIT_AS) == (LIMITS.address_bytes,) * 2  # the task's own limit is above it
        assert worker.rlimit(psutil.RLIMIT_NOFILE) == (LIMITS.open_files,) * 2
        assert worker.rlimit(psutil.RLIMIT_FSIZE) == (LIMITS.file_bytes,) * 2
        assert worker.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert worker.num_fds() == 5  # /dev/null, stdout, stderr, tasks, replies
        assert "AWS_SECRET_ACCESS_KEY" not in worker.environ()
        assert os.getsid(pid) == pid  # Ctrl-C in our terminal does not reach it


@pytest.mark.long
def test_a_worker_has_the_limits_of_each_task(bench: Bench) -> None:
    """CPU time and addresses come from the budget, in a process that has done other tasks before."""
    engine = bench.start(limits=WorkerLimits())
    soft: dict[int, int] = {}
    engine.submit(task("echo:1")).result(timeout=60)
    worker = psutil.Process(bench.of("task.started")[0].worker)
    for gib, seconds in ((1, 50), (8, 5000), (2, 100)):
        before = worker.rlimit(psutil.RLIMIT_CPU)
        future = engine.submit(task(f"sleep:1#{gib}", Budget(cpu_seconds=seconds, memory_bytes=gib << 30)))
        wait_until(lambda before=before: worker.rlimit(psutil.RLIMIT_CPU) != before)  # type: ignore[misc]
        soft[gib] = worker.rlimit(psutil.RLIMIT_AS)[0] >> 30
        assert seconds <= worker.rlimit(psutil.RLIMIT_CPU)[0] <= seconds + 5
        assert worker.rlimit(psutil.RLIMIT_AS)[1] == WorkerLimits().address_bytes
        future.result(timeout=60)
    assert soft == {1: 6, 8: 26, 2: 8}  # GiB: three times the budget and 2, and 6 at the least
    assert len({event.worker for event in bench.of("task.started")}) == 1


def test_tasks_start_only_where_their_memory_fits(bench: Bench) -> None:
    engine = bench.start(3, memory=1000 * MIB)
    small, large = Budget(memory_bytes=400 * MIB), Budget(memory_bytes=5000 * MIB)
    assert (engine.width(small), engine.width(large), engine.width(Budget(memory_bytes=1))) == (2, 1, 3)
    futures = [engine.submit(task(f"sleep:0.5#{number}", small)) for number in range(5)]
    futures.append(engine.submit(task("sleep:0.2#large", large)))  # more than there is: it runs alone
    futures += [engine.submit(task(f"sleep:0.2#more{number}", small)) for number in range(2)]
    wait(futures, timeout=60)
    assert [future.exception() for future in futures] == [None] * 8
    running, most, beside = set[str](), 0, set[str]()
    for event in bench.events:
        if event.kind == "task.started":
            running.add(event.task or "")
        elif event.kind == "task.finished":
            running.remove(event.task or "")
        most = max(most, len(running))
        if "sleep:0.2#large" in running:
            beside |= running
    assert most == 2
    assert beside == {"sleep:0.2#large"}
    [note] = bench.of("note")
    assert note.message == "memory limits tasks to 2 at a time: this one may need 0.4 GiB, 1.0 GiB were free"


def test_the_greatest_priority_goes_first(bench: Bench) -> None:
    engine = bench.start()
    futures = [engine.submit(task("sleep:1"))]
    wait_until(lambda: bool(bench.of("task.started")))
    futures += [engine.submit(task(f"echo:{number}", priority=number % 3)) for number in range(6)]
    wait(futures, timeout=60)
    started = [event.task for event in bench.of("task.started")]
    assert started == ["sleep:1", "echo:2", "echo:5", "echo:1", "echo:4", "echo:0", "echo:3"]


def test_an_order_decides_what_is_next(bench: Bench) -> None:
    engine = bench.start(order=lambda waiting: waiting[-1])
    futures = [engine.submit(task("sleep:1"))]
    wait_until(lambda: bool(bench.of("task.started")))
    futures += [engine.submit(task(f"echo:{number}")) for number in range(4)]
    wait(futures, timeout=60)
    assert [event.task for event in bench.of("task.started")] == ["sleep:1", "echo:3", "echo:2", "echo:1", "echo:0"]


def test_attempts_that_were_cut_off_are_kept(bench: Bench) -> None:
    engine = bench.start()
    future, waiting = engine.submit(task("sleep:60")), engine.submit(task("echo:1"))
    wait_until(lambda: bool(bench.of("task.started")))
    engine.shutdown(cancel=True)
    [attempt] = future.attempts
    assert (attempt.outcome, attempt.number, attempt.usage) == ("cancelled", 1, None)
    assert waiting.attempts == ()


def test_ctrl_c_is_for_the_driver(bench: Bench) -> None:
    engine = bench.start()
    assert engine.submit(task("signal:SIGINT")).exception(timeout=60) is None
    assert bench.of("task.retried") == []


def test_cancel_kills_at_once(bench: Bench) -> None:
    engine = bench.start(2, first_delay=60)
    futures = [engine.submit(task(key)) for key in ("kill", "sleep:60", "hang", "echo:1", "echo:2")]
    wait_until(lambda: len(bench.of("task.started")) == 3)
    began = time.monotonic()
    engine.shutdown(cancel=True)
    assert time.monotonic() - began < 20  # of the 60 that they would take
    assert bench.processes() == set()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=0)
    assert [future.cancelled() for future in futures] == [False, False, False, True, True]


def test_cancel_overtakes_a_drain(bench: Bench) -> None:
    engine = bench.start()
    future = engine.submit(task("sleep:60"))
    drain = threading.Thread(target=engine.shutdown, kwargs={"cancel": False})
    drain.start()
    wait_until(lambda: bool(bench.of("task.started")))
    engine.shutdown(cancel=True)
    drain.join(timeout=60)
    assert not drain.is_alive()
    assert future.done()


def test_a_cancelled_future_never_starts(bench: Bench) -> None:
    engine = bench.start()
    first, second, third = (engine.submit(task(f"sleep:0.{number}")) for number in (3, 1, 2))
    assert second.cancel()
    wait([first, third], timeout=60)
    assert [event.task for event in bench.of("task.started")] == ["sleep:0.3", "sleep:0.2"]


@pytest.mark.parametrize(
    ("command", "cause", "log"),
    [
        (("/nonexistent/python",), "cannot start /nonexistent/python: ", ""),
        ((sys.executable, "-c", "import nonexistent"), "exited with status 1 before it was ready", "No module named"),
    ],
)
def test_workers_that_cannot_start_fail_everything_soon(
    bench: Bench, command: Sequence[str], cause: str, log: str
) -> None:
    engine = bench.start(2, command=command)
    futures = [engine.submit(task(f"echo:{number}")) for number in range(50)]
    wait(futures, timeout=60)
    for future in futures:
        error = future.exception()
        assert isinstance(error, TaskError)
        assert (error.code, error.exit_code) == ("worker-start-failed", 5)
        assert cause in error.failure.cause
        assert log in error.failure.log
    assert len(bench.of("task.started")) < 8


@pytest.mark.parametrize(
    "line",
    sample(
        [
            b"not json",
            b'{"kind":"done"}',
            b"\xff",
            b'{"kind":"progress","key":"other","done":1,"total":2,"unit":"pictures"}',
        ],
        b"not json",
    ),
)
def test_a_worker_that_talks_nonsense_is_replaced(bench: Bench, line: bytes) -> None:
    code = f"import os, sys, time; os.write(int(sys.argv[-1]), {line!r} + b'\\n'); time.sleep(60)"
    error = bench.start(command=(sys.executable, "-c", code)).submit(task("echo:1")).exception(timeout=60)
    assert isinstance(error, TaskError)
    assert (error.code, error.failure.attempts) == ("worker-garbled", 3)


def test_large_tasks_and_results_cross_the_pipe(bench: Bench) -> None:
    key = "echo:" + "x" * 3_000_000  # far above what a pipe holds
    done = bench.start().submit(task(key)).result(timeout=60)
    assert done == CheckResult(key=key, faults=("echo", key[5:]), frames=1)


def test_a_listener_that_raises_ends_the_engine_loudly(bench: Bench) -> None:
    def listen(event: Event) -> None:
        if event.kind == "task.finished":
            raise LookupError("listener")

    engine = bench.start(on_event=listen)
    futures = [engine.submit(task(key)) for key in ("echo:1", "echo:2")]
    for future in futures:
        with pytest.raises(LookupError, match="listener"):
            future.result(timeout=60)
    engine.shutdown(cancel=False)
    with pytest.raises(RuntimeError) as caught:
        engine.submit(task("echo:3"))
    assert isinstance(caught.value.__cause__, LookupError)
