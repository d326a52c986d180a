"""No worker outlives its driver. The driver is typed into an interpreter: no file, no ``__main__`` guard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from executor_bench import COMMAND, Bench
from faults.worker import LIMITS, task
from leaks import gone
from streamify.executors.wire import Hello, Work
from waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and orphans are tested on Linux"),
]


DRIVER = """
import sys, time
from streamify.executors.local.executor import LocalExecutor
from streamify.model.task import TASK
from streamify.storage.locate import StoreLocations
def say(line):
    sys.stdout.write(line + chr(10))  # in one piece: two threads do
    sys.stdout.flush()

def listen(event):
    say(event.to_json().decode())

engine = LocalExecutor(StoreLocations(uploads={root!r}, media={root!r}), 2, listen, command={command!r})
futures = [engine.submit(TASK.validate_json(line)) for line in {tasks!r}]
{then}
"""
WAITS = """
try:
    say('{"kind": "waits"}')
    time.sleep(600)
except KeyboardInterrupt:
    engine.shutdown(cancel=True)
"""


@contextmanager
def drive(root: Path, then: str, keys: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    tasks = [task(key).to_json() for key in keys]
    script = DRIVER.format(root=str(root), command=COMMAND, tasks=tasks, then=then)
    command = [sys.executable, "-W", "error", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as driver:
        try:
            assert driver.stdin is not None
            driver.stdin.write(script.encode())
            driver.stdin.close()
            yield driver
        finally:
            driver.kill()


def started(driver: subprocess.Popen[bytes], number: int, *, waits: bool = False) -> list[int]:
    """Return the workers of the first tasks; with `waits`, once the driver has come to its end too."""
    assert driver.stdout is not None
    pids: list[int] = []
    while len(pids) < number or waits:
        line = driver.stdout.readline()
        assert line, "the driver ended early"
        event: dict[str, Any] = json.loads(line)
        if event["kind"] == "task.started":
            pids.append(event["worker"])
        elif event["kind"] == "waits":
            waits = False
    return pids


def test_no_orphan_after_kill_9_of_the_driver(tmp_path: Path) -> None:
    with drive(tmp_path, "time.sleep(600)", ["hang", "stay"]) as driver:
        pids = started(driver, 2)
        wait_until(lambda: len(list((tmp_path / "attempts").glob("*/*"))) == 2)
        time.sleep(0.1)  # by then the first is most likely inside C
        driver.kill()
    wait_until(lambda: all(gone(pid) for pid in pids), fault=True)


def test_no_orphan_when_the_driver_forgets_to_shut_down(tmp_path: Path) -> None:
    with drive(tmp_path, "futures[0].result()", ["echo:1", "stay"]) as driver:
        pids = started(driver, 2)
        assert driver.wait() == 0
    wait_until(lambda: all(gone(pid) for pid in pids), fault=True)


def test_ctrl_c_in_the_driver_leaves_no_traceback_of_a_worker(tmp_path: Path) -> None:
    with drive(tmp_path, WAITS, ["stay", "hang"]) as driver:
        pids = started(driver, 2, waits=True)
        driver.send_signal(signal.SIGINT)
        assert driver.wait() == 0
    assert all(gone(pid) for pid in pids)


def test_a_worker_ends_with_its_pipe_alone(bench: Bench) -> None:
    """Where the kernel does not help (no PR_SET_PDEATHSIG): the watcher's part, in the middle of a task."""
    ours, theirs = os.pipe()
    hello, work = Hello(driver=os.getpid(), limits=LIMITS), Work(stores=bench.locations, task=task("stay"))
    with subprocess.Popen([*COMMAND, str(theirs)], stdin=subprocess.PIPE, pass_fds=(theirs,)) as worker:
        os.close(theirs)
        assert worker.stdin is not None
        worker.stdin.write(hello.to_json() + b"\n" + work.to_json() + b"\n")
        worker.stdin.flush()
        assert os.read(ours, 4096) == b'{"kind":"ready","seal":null}\n'
        wait_until(lambda: (bench.locations.media.path / "attempts").exists())
        worker.stdin.close()
        assert worker.wait(timeout=60) == 0
    os.close(ours)
