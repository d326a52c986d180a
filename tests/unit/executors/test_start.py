"""The process that forks workers, which starts before the engine does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import CancelledError
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from leaks import child_processes, gone
from selection import sample
from stores import locations
from streamify.executors.base import TaskError
from streamify.executors.local import forking
from streamify.executors.local.executor import LocalExecutor
from streamify.executors.local.start import COMMAND, WorkerStarter, worker_environment
from streamify.model.event import Event
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import SplitTask
from waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are tested on Linux"),
]


MISSING = SplitTask(
    source=SourceRef(key="missing.mp4", size=1, version="none", identity="none"), settings=Settings().media()
)


def test_the_executor_forks_its_workers_off_the_process_that_is_there(tmp_path: Path) -> None:
    parents = []

    def note(event: Event) -> None:
        if event.kind == "task.started":
            assert event.worker is not None
            parents.append(psutil.Process(event.worker).ppid())

    with WorkerStarter() as starter:
        starter.start_ahead()
        ahead = starter.ahead
        assert ahead is not None
        executor = LocalExecutor(locations(tmp_path, tmp_path / "media"), 1, note, starter=starter)
        try:
            with pytest.raises(TaskError):
                executor.submit(MISSING).result()
        finally:
            executor.shutdown(cancel=False)
        assert starter.ahead == ahead
    assert parents == [ahead]
    assert not psutil.pid_exists(ahead)


def test_a_process_of_its_own_ends_with_the_executor(tmp_path: Path) -> None:
    before = child_processes()
    executor = LocalExecutor(locations(tmp_path, tmp_path / "media"), 1, lambda _: None)
    with pytest.raises(TaskError):
        executor.submit(MISSING).result()
    started = child_processes() - before
    assert len(started) == 2
    executor.shutdown(cancel=False)
    assert not any(one.is_running() for one in started)


def test_workers_of_another_environment_have_a_process_of_their_own() -> None:
    with WorkerStarter() as starter:
        starter.start_ahead()
        ahead = starter.ahead
        own = starter.start(COMMAND, {**worker_environment(os.environ), "AWS_PROFILE": "one"})
        parent = psutil.Process(own.pid).parent()
        assert parent is not None
        assert parent.pid != ahead == starter.ahead
        assert own.kill() == -signal.SIGKILL
    assert not psutil.pid_exists(parent.pid)


def test_a_process_that_is_killed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with WorkerStarter() as starter:
        environment = worker_environment(os.environ)
        lost = starter.start(COMMAND, environment)
        parent = psutil.Process(lost.pid).parent()
        assert parent is not None
        parent.kill()
        parent.wait(60)
        with monkeypatch.context() as patch:
            patch.delattr(os, "killpg")  # nothing is sent: its process id may be another's
            assert lost.kill() == -signal.SIGKILL  # the kernel has ended it with its parent
        other = starter.start(COMMAND, environment)
        assert psutil.Process(other.pid).ppid() not in (parent.pid, os.getpid())
        other.kill()


def test_an_exit_status_is_that_of_the_worker_and_its_id_is_not_given_away_before() -> None:
    with WorkerStarter() as starter:
        workers = [starter.start(COMMAND, worker_environment(os.environ)) for _ in range(2)]
        os.kill(workers[0].pid, signal.SIGTERM)
        wait_until(lambda: workers[0].receive() is not None and workers[0].ended)
        wait_until(lambda: psutil.Process(workers[0].pid).status() == psutil.STATUS_ZOMBIE)
        assert [worker.kill() for worker in workers] == [-signal.SIGTERM, -signal.SIGKILL]
        assert not any(psutil.pid_exists(worker.pid) for worker in workers)


def test_a_fork_that_fails_is_told_and_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OSError(11, "no more processes")

    def unused(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(os, "fork", fail)
    control, other = socket.socketpair()
    with control, other:
        before = sorted(Path("/proc/self/fd").iterdir())
        assert b"no more processes" in forking._fork(control, [os.dup(0) for _ in range(3)], unused, unused)
        assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_what_keeps_it_from_loading_is_told(tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('no FFmpeg here')")
    with WorkerStarter() as starter, pytest.raises(OSError, match="no FFmpeg here"):
        starter.start(COMMAND, {**worker_environment(os.environ), "PYTHONPATH": str(tmp_path)})


@pytest.fixture
def stuck(tmp_path: Path) -> dict[str, str]:
    """An environment in which what workers need is never loaded; the file `loading` tells that it has begun."""
    (tmp_path / "av.py").write_text(f"open({str(tmp_path / 'loading')!r}, 'w').close(); import time; time.sleep(600)")
    return {**worker_environment(os.environ), "PYTHONPATH": str(tmp_path)}


def test_no_worker_is_waited_for_longer_than_the_start_timeout(stuck: dict[str, str]) -> None:
    with WorkerStarter() as starter, pytest.raises(OSError, match=r"did not answer within 0\.2 s"):
        starter.start(COMMAND, stuck, timeout=0.2)


def test_a_shutdown_does_not_wait_for_what_loads(stuck: dict[str, str], tmp_path: Path) -> None:
    before = child_processes()
    where = locations(tmp_path, tmp_path / "media")
    executor = LocalExecutor(where, 2, lambda _: None, environment=stuck, warm=True, start_timeout=600)
    futures = [executor.submit(MISSING.model_copy(update={"write": write})) for write in (True, False)]
    wait_until((tmp_path / "loading").exists)
    executor.shutdown(cancel=True)
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(0)
    assert child_processes() <= before


@pytest.mark.parametrize(
    "end", sample(["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)"], "os.kill(os.getpid(), 9)")
)
def test_a_process_that_nobody_asked_ends_with_the_driver(end: str) -> None:
    code = f"""
import os, sys
from streamify.executors.local.start import WorkerStarter
with WorkerStarter() as starter:
    starter.start_ahead()
    print(starter.ahead, flush=True)
    {end}
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=110)
    wait_until(lambda: gone(int(done.stdout)), fault=True)
