"""Tasks that do nothing, on a Ray of this machine: ``python -m benchmarks.empty FILE TASKS``.

What is left is what executor, Ray and mailbox cost; its own process, whose peak is then that of a driver.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from streamify.executors.events import EventDelivery
from streamify.executors.sealed import SealedWorker
from streamify.executors.wire import Done
from streamify.jobs.engine import completed
from streamify.machine.usage import peak_bytes
from streamify.model.attempt import Usage
from streamify.model.location import Location
from streamify.model.result import CheckResult
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceRef
from streamify.model.task import Budget, SplitTask, Task
from streamify.storage.base import Stores
from streamify.storage.locate import StoreLocations


class Nothing(SealedWorker):
    """Takes the place of the process that decodes."""

    def run(self, job: str, task: Task, stores: Stores, *_: Any, **__: Any) -> Done:  # noqa: ARG002
        """Return an empty result at once."""
        usage = Usage(seconds=0, cpu_seconds=0, peak_bytes=1, resident_bytes=1)
        return Done(result=CheckResult(key=task.key, faults=(), frames=0), usage=usage)


@cache
def nothing() -> Nothing:
    """Return the worker of a process of Ray."""
    return Nothing()


def main() -> None:
    """Run; write wall clock and CPU time, seconds, and peak memory, bytes, to FILE as JSON."""
    from streamify.executors.ray.pool import RayPool

    count = int(sys.argv[2])
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # where nodes find this module
    with tempfile.TemporaryDirectory(prefix="streamify-bench-") as folder:
        (Path(folder) / "in.mp4").write_bytes(b"x")
        place = Location.parse(folder)
        pool = RayPool(None, cores=len(os.sched_getaffinity(0)), memory=4 << 30, worker="benchmarks.empty:nothing")
        executor = pool.executor(StoreLocations(uploads=place, media=place), lambda _: None)
        with EventDelivery(lambda _: None) as events:
            list(completed(executor, _tasks(20), None, events))  # processes start
            began, cpu = time.perf_counter(), time.process_time()
            ended = sum(1 for _ in completed(executor, _tasks(count), None, events))
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        pool.shutdown(cancel=True)
    assert ended == count
    Path(sys.argv[1]).write_text(json.dumps({"wall": wall, "cpu": cpu, "peak": peak_bytes()}))


def _tasks(count: int) -> Iterator[Task]:
    ref = SourceRef(key="in.mp4", size=1, version="v", identity="x")
    budget = Budget(cpu_seconds=1, memory_bytes=100 << 20)
    return (
        SplitTask(key=f"nothing/{number}", source=ref, settings=MediaSettings(), write=False, budget=budget)
        for number in range(count)
    )


if __name__ == "__main__":
    main()
