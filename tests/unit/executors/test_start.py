"""A worker that starts before the engine does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stores import locations
from streamify.executors.base import TaskError
from streamify.executors.local.executor import LocalExecutor
from streamify.executors.local.start import COMMAND, WorkerStarter, worker_environment
from streamify.model.event import Event
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import SplitTask

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are tested on Linux"),
]


def test_the_executor_takes_over_the_worker_that_is_there(tmp_path: Path) -> None:
    events: list[Event] = []
    with WorkerStarter() as starter:
        starter.start_ahead()
        ahead = starter.ahead
        assert ahead is not None
        executor = LocalExecutor(locations(tmp_path, tmp_path / "media"), 1, events.append, starter=starter)
        missing = SourceRef(key="missing.mp4", size=1, version="none", identity="none")
        try:
            with pytest.raises(TaskError):
                executor.submit(SplitTask(source=missing, settings=Settings().media())).result(50)
        finally:
            executor.shutdown(cancel=False)
        assert starter.ahead is None
    assert [event.worker for event in events if event.kind == "task.started"] == [ahead]
    assert not psutil.pid_exists(ahead)


def test_a_worker_with_another_environment_is_left_alone() -> None:
    with WorkerStarter() as starter:
        starter.start_ahead()
        ahead = starter.ahead
        assert ahead is not None
        own = starter.start(COMMAND, {**worker_environment(os.environ), "AWS_PROFILE": "one"})
        own.kill()
        assert own.pid != ahead == starter.ahead
    assert not psutil.pid_exists(ahead)


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_worker_that_nobody_took_ends_with_the_driver(end: str) -> None:
    code = f"""
import os, sys
from streamify.executors.local.start import WorkerStarter
with WorkerStarter() as starter:
    starter.start_ahead()
    print(starter.ahead, flush=True)
    {end}
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=30)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline, f"worker {pid} is still there"
        time.sleep(0.02)
