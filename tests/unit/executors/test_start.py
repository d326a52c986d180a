"""A worker that starts before the engine does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stores import locations
from streamify.executors.base import TaskError
from streamify.executors.local import start
from streamify.executors.local.executor import LocalExecutor
from streamify.model.event import Event
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import SplitTask

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are tested on Linux"),
]


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    start.end_spares()


def test_the_engine_takes_over_the_worker_that_is_there(tmp_path: Path) -> None:
    start.start_ahead()
    (spare,) = start._spares
    events: list[Event] = []
    engine = LocalExecutor(locations(tmp_path, tmp_path / "media"), 1, events.append)
    missing = SourceRef(key="missing.mp4", size=1, version="none", identity="none")
    try:
        with pytest.raises(TaskError):
            engine.submit(SplitTask(source=missing, settings=Settings().media())).result(50)
    finally:
        engine.shutdown(cancel=False)
    assert [event.worker for event in events if event.kind == "task.started"] == [spare.process.pid]
    assert not start._spares
    assert not psutil.pid_exists(spare.process.pid)


def test_a_worker_with_another_environment_is_left_alone() -> None:
    start.start_ahead()
    (spare,) = start._spares
    own = start.start_worker(start.COMMAND, {**start.worker_environment(os.environ), "AWS_PROFILE": "one"})
    try:
        assert own.pid != spare.process.pid
    finally:
        own.kill()
    assert start._spares == [spare]


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_worker_that_nobody_took_ends_with_the_driver(end: str) -> None:
    code = f"""
import os, sys
from streamify.executors.local import start
start.start_ahead()
print(start._spares[0].process.pid, flush=True)
{end}
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=30)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline, f"worker {pid} is still there"
        time.sleep(0.02)
