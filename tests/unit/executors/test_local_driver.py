"""No worker outlives its driver. The driver is typed into an interpreter: no file, no ``__main__`` guard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from executor_bench import COMMAND, Bench, wait_until
from faults.worker import LIMITS, task
from streamify.executors.wire import Hello, Work

pytestmark = [
    pytest.mark.timeout(30),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and orphans are tested on Linux"),
]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # in a container nobody may reap orphans
    except psutil.NoSuchProcess:
        return True


DRIVER = """
import sys, time
from streamify.executors.local.executor import LocalExecutor
from streamify.model.task import TASK
from streamify.storage.locate import StoreLocations
def listen(event):
    print(event.to_json().decode(), flush=True)

engine = LocalExecutor(StoreLocations(uploads={root!r}, media={root!r}), 2, listen, command={command!r})
futures = [engine.submit(TASK.validate_json(line)) for line in {tasks!r}]
{then}
"""


def drive(root: Path, then: str, keys: Sequence[str]) -> subprocess.Popen[bytes]:
    tasks = [task(key).to_json() for key in keys]
    script = DRIVER.format(root=str(root), command=COMMAND, tasks=tasks, then=then)
    driver = subprocess.Popen([sys.executable, "-W", "error", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert driver.stdin is not None
    driver.stdin.write(script.encode())
    driver.stdin.close()
    return driver


def started(driver: subprocess.Popen[bytes], number: int) -> list[int]:
    assert driver.stdout is not None
    pids: list[int] = []
    while len(pids) < number:
        line = driver.stdout.readline()
        assert line, "the driver ended early"
        event: dict[str, Any] = json.loads(line)
        if event["kind"] == "task.started":
            pids.append(event["worker"])
    return pids


def test_no_orphan_after_kill_9_of_the_driver(tmp_path: Path) -> None:
    with drive(tmp_path, "time.sleep(60)", ["hang", "sleep:60"]) as driver:
        pids = started(driver, 2)
        wait_until(lambda: len(list((tmp_path / "attempts").glob("*/*"))) == 2)
        time.sleep(0.1)
        driver.kill()
    wait_until(lambda: all(gone(pid) for pid in pids))


def test_no_orphan_when_the_driver_forgets_to_shut_down(tmp_path: Path) -> None:
    with drive(tmp_path, "futures[0].result()", ["echo:1", "sleep:60"]) as driver:
        pids = started(driver, 2)
        assert driver.wait(timeout=60) == 0
    wait_until(lambda: all(gone(pid) for pid in pids))


def test_ctrl_c_in_the_driver_leaves_no_traceback_of_a_worker(tmp_path: Path) -> None:
    then = "try: time.sleep(60)\nexcept KeyboardInterrupt: engine.shutdown(cancel=True); print('{}')"
    with drive(tmp_path, then, ["sleep:60", "hang"]) as driver:
        pids = started(driver, 2)
        driver.send_signal(signal.SIGINT)
        assert driver.wait(timeout=60) == 0
    assert all(gone(pid) for pid in pids)


def test_a_worker_ends_with_its_pipe_alone(bench: Bench) -> None:
    """Where the kernel does not help (no PR_SET_PDEATHSIG): the watcher's part, in the middle of a task."""
    ours, theirs = os.pipe()
    hello, work = Hello(driver=os.getpid(), limits=LIMITS), Work(stores=bench.locations, task=task("sleep:60"))
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
