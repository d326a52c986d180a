"""What only worker processes can suffer."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, wait
from pathlib import Path

import psutil
import pytest

from executor_bench import COMMAND, Bench, Clock
from faults.worker import BRIEF, LIMITS, MIB, task
from selection import sample
from streamify.executors.base import TaskError
from streamify.executors.log import LOG_BYTES
from streamify.machine.limits import WorkerLimits
from streamify.model.event import Event
from streamify.model.result import CheckResult
from streamify.model.task import Budget
from waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and orphans are tested on Linux"),
]


def begun(bench: Bench, key: str) -> bool:
    """Whether a worker has begun to do what a key says."""
    return (bench.locations.media.path / "attempts" / key).exists()


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
    done = engine.submit(task(key)).result()
    assert isinstance(done, CheckResult)
    assert done.frames == 2  # the second attempt
    assert other.exception() is None
    [retried] = bench.of("task.retried")
    assert (retried.task, retried.attempt, retried.data["code"], retried.data["signal"]) == (key, 1, code, name)
    assert said in retried.data["log"]
    pids = [event.worker for event in bench.of("task.started") if event.task == key]
    assert len(set(pids)) == 2  # a fresh process


@pytest.mark.long
def test_a_task_that_used_up_its_cpu_time_is_not_tried_again(bench: Bench) -> None:
    error = bench.start(1).submit(task("spin:once", BRIEF)).exception()
    assert isinstance(error, TaskError)
    assert (error.code, error.failure.signal, error.failure.attempts) == ("worker-cpu-limit", "SIGXCPU", 1)


def test_a_poisoned_task_fails_after_three_attempts_with_its_log(bench: Bench) -> None:
    engine = bench.start(2)
    futures = [engine.submit(task(key)) for key in ("flood:always", "echo:1", "echo:2")]
    error = futures[0].exception()
    assert isinstance(error, TaskError)
    assert (error.code, error.exit_code, error.failure.attempts) == ("worker-killed", 4, 3)
    assert "SIGKILL" in error.failure.cause
    assert error.failure.log.endswith("flood\nlast words\n")
    assert len(error.failure.log.encode()) == LOG_BYTES
    [failed] = bench.of("task.failed")
    assert failed.data["log"] == error.failure.log
    assert [event.attempt for event in bench.of("task.retried")] == [1, 2]
    assert [future.exception() for future in futures[1:]] == [None, None]


def test_a_hung_task_is_killed_even_inside_c(bench: Bench, clock: Clock) -> None:
    engine = bench.start(2, timeout=600)
    future = engine.submit(task("hang:once", Budget(cpu_seconds=1000, memory_bytes=100 * MIB)))
    wait_until(lambda: begun(bench, "hang:once"))
    bench.looks(engine)
    clock.forward(601, engine)
    done = future.result()
    assert isinstance(done, CheckResult)
    assert done.frames == 2
    [retried] = bench.of("task.retried")
    assert retried.data["code"] == "worker-hung"


def test_a_worker_that_does_nothing_counts_as_hung_long_before_its_time_is_up(bench: Bench) -> None:
    engine = bench.start(stall=0.2)
    error = engine.submit(task("stay")).exception()
    assert isinstance(error, TaskError)
    assert (error.failure.code, error.failure.cause) == ("worker-hung", "it did nothing for 0.2 s")


def test_a_worker_that_works_may_take_its_time(bench: Bench, clock: Clock) -> None:
    engine = bench.start(2, stall=300, timeout=1400)
    future = engine.submit(task("spin:once", Budget(cpu_seconds=1000, memory_bytes=100 * MIB)))
    wait_until(lambda: begun(bench, "spin:once"))
    bench.looks(engine)
    worker = psutil.Process(bench.of("task.started")[0].worker)
    for _ in range(4):
        used = sum(worker.cpu_times()[:2])
        wait_until(lambda used=used: sum(worker.cpu_times()[:2]) > used + 0.05)  # type: ignore[misc]
        clock.forward(301, engine)
        bench.looks(engine)
    assert bench.of("task.retried") == []
    clock.forward(301, engine)
    done = future.result()
    assert isinstance(done, CheckResult)
    assert done.frames == 2
    [retried] = bench.of("task.retried")
    assert retried.message.startswith("no result within 1400 s")


@pytest.mark.long
def test_a_stopped_worker_counts_as_hung(bench: Bench) -> None:
    engine = bench.start(timeout=1)
    assert engine.submit(task("signal:SIGSTOP")).exception() is not None
    assert {event.data["code"] for event in bench.of("task.retried")} == {"worker-hung"}


def test_a_worker_that_starts_slowly_does_not_take_the_time_of_its_task(
    bench: Bench, clock: Clock, tmp_path: Path
) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    code = (
        "import os, sys, time\n"
        f"open({str(begun)!r}, 'w').close()\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
        f"os.execv({COMMAND[0]!r}, [*{COMMAND!r}, sys.argv[-1]])"
    )
    engine = bench.start(command=(sys.executable, "-c", code), start=2000, timeout=600)
    future = engine.submit(task("echo:1"))
    wait_until(begun.exists)
    clock.forward(1000, engine)
    go.touch()
    assert future.exception() is None
    assert bench.of("task.retried") == []


def test_a_worker_that_never_gets_ready_counts_as_one_that_cannot_start(bench: Bench) -> None:
    engine = bench.start(command=(sys.executable, "-c", "import time; time.sleep(600)"), start=0.2)
    futures = [engine.submit(task(f"echo:{number}")) for number in range(20)]
    for future in futures:
        error = future.exception()
        assert isinstance(error, TaskError)
        assert (error.code, error.exit_code) == ("worker-start-failed", 5)
        assert error.failure.cause == "the worker was not ready within 0.2 s"
    assert len(bench.of("task.started")) == 3  # by then it is clear that none can start


@pytest.mark.long
def test_spare_workers_that_never_get_ready_cost_no_attempt(bench: Bench, clock: Clock, tmp_path: Path) -> None:
    """The worker of the first task starts well, the three beside it hang, and later ones start well again."""
    seen, first = tmp_path / "pids", tmp_path / "first"
    code = (
        "import os, sys, time\n"
        f"with open({str(seen)!r}, 'a') as file: file.write(f'{{os.getpid()}}\\n')\n"
        f"while len(four := open({str(seen)!r}).read().split()[:4]) < 4: time.sleep(0.01)\n"
        f"while not os.path.lexists({str(first)!r}): time.sleep(0.01)\n"
        f"if str(os.getpid()) in four and str(os.getpid()) != os.readlink({str(first)!r}): time.sleep(600)\n"
        f"os.execv({COMMAND[0]!r}, [*{COMMAND!r}, sys.argv[-1]])"
    )
    engine = bench.start(4, command=(sys.executable, "-c", code), start=600, timeout=2000, stall=2000, warm=True)
    future = engine.submit(task("until:first"))
    wait_until(lambda: seen.exists() and len(seen.read_text().split()) == 4)
    first.symlink_to(str(bench.of("task.started")[0].worker))
    wait_until(lambda: bench.of("task.progress"))
    clock.forward(601, engine)
    wait_until(lambda: len(bench.processes()) == 1)  # the three are given up
    assert engine.submit(task("echo:2")).exception() is None
    bench.release("first")
    assert future.exception() is None
    assert bench.of("task.retried") == []


def test_a_worker_cannot_extend_its_own_time(bench: Bench) -> None:
    code = 'import os, sys, time\nwhile True: os.write(int(sys.argv[-1]), b\'{"kind":"ready"}\\n\'); time.sleep(0.1)'
    error = bench.start(command=(sys.executable, "-c", code)).submit(task("echo:1")).exception()
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
    assert [future.result().key for future in futures] == keys
    assert len(killed) >= 5
    assert sorted(event.task or "" for event in bench.of("task.retried")) == sorted(filter(None, killed))
    assert sorted(event.task or "" for event in bench.of("task.finished")) == sorted(keys)


def test_a_worker_that_leaks_is_replaced(bench: Bench) -> None:
    engine = bench.start()
    for key in ("leak", "echo:1", "echo:2"):
        engine.submit(task(key)).result()
    workers = [event.worker for event in bench.of("task.started")]
    assert workers[0] != workers[1] == workers[2]
    [note] = bench.of("note")
    assert "replaced" in note.message
    assert bench.of("task.retried") == []


def test_an_idle_worker_that_dies_costs_nothing(bench: Bench) -> None:
    engine = bench.start()
    engine.submit(task("echo:1")).result()
    pid = bench.of("task.started")[0].worker
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid))  # reaped, so the engine knows
    engine.submit(task("echo:2")).result()
    assert bench.of("task.retried") == []


def test_the_log_holds_nothing_of_earlier_tasks(bench: Bench) -> None:
    engine = bench.start()
    engine.submit(task("echo:1")).result()
    error = engine.submit(task("source")).exception()
    assert isinstance(error, TaskError)
    assert error.failure.log == "stdout of source\nstderr of source\n"


def test_a_task_cannot_reach_the_pipes(bench: Bench) -> None:
    assert bench.start().submit(task("stdin")).exception() is None


def test_files_are_limited_in_size(bench: Bench) -> None:
    error = bench.start().submit(task("file")).exception()
    assert isinstance(error, TaskError)
    assert "File too large" in error.failure.cause
    assert [path.name for path in bench.locations.media.path.iterdir()] == ["attempts"]  # no half file


def test_workers_are_confined(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with Path(os.devnull).open() as extra:
        os.set_inheritable(extra.fileno(), True)
        engine = bench.start()
        engine.submit(task("echo:1")).result()
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


def test_a_worker_has_the_limits_of_each_task(bench: Bench) -> None:
    """CPU time and addresses come from the budget, in a process that has done other tasks before."""
    engine = bench.start(limits=WorkerLimits())
    soft: dict[int, int] = {}
    engine.submit(task("echo:1")).result()
    worker = psutil.Process(bench.of("task.started")[0].worker)
    for gib, seconds in ((1, 50), (8, 5000), (2, 100)):
        before = sum(worker.cpu_times()[:2])
        engine.submit(task(f"echo:1#{gib}", Budget(cpu_seconds=seconds, memory_bytes=gib << 30))).result()
        soft[gib] = worker.rlimit(psutil.RLIMIT_AS)[0] >> 30
        least, most = int(before) + seconds, sum(worker.cpu_times()[:2]) + seconds + 1.1
        assert least <= worker.rlimit(psutil.RLIMIT_CPU)[0] <= most
        assert worker.rlimit(psutil.RLIMIT_AS)[1] == WorkerLimits().address_bytes
    assert soft == {1: 6, 8: 26, 2: 8}  # GiB: three times the budget and 2, and 6 at the least
    assert len({event.worker for event in bench.of("task.started")}) == 1


def test_tasks_start_only_where_their_memory_fits(bench: Bench) -> None:
    engine = bench.start(3, memory=1000 * MIB)
    small, large = Budget(memory_bytes=400 * MIB), Budget(memory_bytes=5000 * MIB)
    assert (engine.width(small), engine.width(large), engine.width(Budget(memory_bytes=1))) == (2, 1, 3)
    futures = [engine.submit(task(f"until:go#{number}", small)) for number in range(5)]
    futures.append(engine.submit(task("until:go#large", large)))  # more than there is: it runs alone
    futures += [engine.submit(task(f"until:go#more{number}", small)) for number in range(2)]
    wait_until(lambda: {"until:go#0", "until:go#1"} <= {event.task for event in bench.of("task.progress")})
    bench.release("go")
    wait(futures)
    assert [future.exception() for future in futures] == [None] * 8
    running, most, beside = set[str](), 0, set[str]()
    for event in bench.events:
        if event.kind == "task.started":
            running.add(event.task or "")
        elif event.kind == "task.finished":
            running.remove(event.task or "")
        most = max(most, len(running))
        if "until:go#large" in running:
            beside |= running
    assert most == 2
    assert beside == {"until:go#large"}
    [note] = bench.of("note")
    assert note.message == "memory limits tasks to 2 at a time: this one may need 0.4 GiB, 1.0 GiB were free"


def test_the_greatest_priority_goes_first(bench: Bench) -> None:
    engine = bench.start()
    futures = [engine.submit(task("until:go"))]
    wait_until(lambda: bench.of("task.started"))
    futures += [engine.submit(task(f"echo:{number}", priority=number % 3)) for number in range(6)]
    bench.release("go")
    wait(futures)
    started = [event.task for event in bench.of("task.started")]
    assert started == ["until:go", "echo:2", "echo:5", "echo:1", "echo:4", "echo:0", "echo:3"]


def test_an_order_decides_what_is_next(bench: Bench) -> None:
    engine = bench.start(order=lambda waiting: waiting[-1])
    futures = [engine.submit(task("until:go"))]
    wait_until(lambda: bench.of("task.started"))
    futures += [engine.submit(task(f"echo:{number}")) for number in range(4)]
    bench.release("go")
    wait(futures)
    assert [event.task for event in bench.of("task.started")] == ["until:go", "echo:3", "echo:2", "echo:1", "echo:0"]


def test_attempts_that_were_cut_off_are_kept(bench: Bench) -> None:
    engine = bench.start()
    future, waiting = engine.submit(task("stay")), engine.submit(task("echo:1"))
    wait_until(lambda: bench.of("task.started"))
    engine.shutdown(cancel=True)
    [attempt] = future.attempts
    assert (attempt.outcome, attempt.number, attempt.usage) == ("cancelled", 1, None)
    assert waiting.attempts == ()


def test_ctrl_c_is_for_the_driver(bench: Bench) -> None:
    engine = bench.start()
    assert engine.submit(task("signal:SIGINT")).exception() is None
    assert bench.of("task.retried") == []


def test_cancel_kills_at_once(bench: Bench) -> None:
    engine = bench.start(2, first_delay=1000)
    futures = [engine.submit(task(key)) for key in ("kill", "stay", "hang", "echo:1", "echo:2")]
    wait_until(lambda: len(bench.of("task.started")) == 3)
    engine.shutdown(cancel=True)  # long before `stay` and `hang` would end
    assert bench.processes() == set()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=0)
    assert [future.cancelled() for future in futures] == [False, False, False, True, True]


def test_cancel_overtakes_a_drain(bench: Bench) -> None:
    engine = bench.start()
    future = engine.submit(task("stay"))
    drain = threading.Thread(target=engine.shutdown, kwargs={"cancel": False})
    drain.start()
    wait_until(lambda: bench.of("task.started"))
    engine.shutdown(cancel=True)
    drain.join()
    assert future.done()


def test_a_cancelled_future_never_starts(bench: Bench) -> None:
    engine = bench.start()
    first, second, third = (engine.submit(task(f"until:go#{number}")) for number in range(3))
    assert second.cancel()
    bench.release("go")
    wait([first, third])
    assert [event.task for event in bench.of("task.started")] == ["until:go#0", "until:go#2"]


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
    wait(futures)
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
    code = f"import os, sys, time; os.write(int(sys.argv[-1]), {line!r} + b'\\n'); time.sleep(600)"
    error = bench.start(command=(sys.executable, "-c", code)).submit(task("echo:1")).exception()
    assert isinstance(error, TaskError)
    assert (error.code, error.failure.attempts) == ("worker-garbled", 3)


def test_large_tasks_and_results_cross_the_pipe(bench: Bench) -> None:
    key = "echo:" + "x" * 3_000_000  # far above what a pipe holds
    done = bench.start().submit(task(key)).result()
    assert done == CheckResult(key=key, faults=("echo", key[5:]), frames=1)


def test_a_listener_that_raises_ends_the_engine_loudly(bench: Bench) -> None:
    def listen(event: Event) -> None:
        if event.kind == "task.finished":
            raise LookupError("listener")

    engine = bench.start(on_event=listen)
    futures = [engine.submit(task(key)) for key in ("echo:1", "echo:2")]
    for future in futures:
        with pytest.raises(LookupError, match="listener"):
            future.result()
    engine.shutdown(cancel=False)
    with pytest.raises(RuntimeError) as caught:
        engine.submit(task("echo:3"))
    assert isinstance(caught.value.__cause__, LookupError)
