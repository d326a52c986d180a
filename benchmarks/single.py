"""One task in a process of its own, its reads counted: ``python -m benchmarks.single ACTION SOURCE DEST [TASK]``.

ACTION is ``split`` (plan SOURCE into DEST), ``find-video`` or ``find-audio`` (write the middle task of that kind to
TASK), or ``run`` (run TASK). ``split`` and ``run`` print what it took as one JSON document.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from streamify.jobs.agenda import Agenda
from streamify.jobs.demands import Demands
from streamify.jobs.locations import find_source
from streamify.jobs.segments import SegmentList
from streamify.machine.usage import peak_bytes
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.task import TASK, SplitTask, Task
from streamify.storage.base import Stores
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task


class _Counted(io.FileIO):
    total = 0

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        _Counted.total += count
        return count

    def readall(self) -> bytes:
        data = super().readall()
        _Counted.total += len(data)
        return data


class CountingStorage(LocalStorage):
    """A folder whose opened files count what is asked of the kernel."""

    def open(self, key: str, version: str | None = None) -> BinaryIO:  # noqa: ARG002 - the film stays as it is
        return io.BufferedReader(_Counted(self.root / key))


def main() -> None:
    """Run the action."""
    action, source, dest, *file = sys.argv[1:]
    folder, ref = find_source(Location.parse(source))
    stores = Stores(CountingStorage(folder.path), LocalStorage(Path(dest)))
    if action == "split":
        _run(SplitTask(source=ref, settings=Settings().media()), stores)
    elif action == "run":
        _run(TASK.validate_json(Path(file[0]).read_bytes()), stores)
    else:
        Path(file[0]).write_bytes(_middle(action.removeprefix("find-"), stores).to_json())


def _run(task: Task, stores: Stores) -> None:
    wall, cpu = time.monotonic(), time.process_time()
    run_task(task, stores)
    took = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(took | {"read": _Counted.total, "peak": peak_bytes(), "payload": len(task.to_json())}))


def _middle(kind: str, stores: Stores) -> Task:
    """Return the task in the middle of those of its kind, as a job on one worker hands it out."""
    plan = read_plan(stores.media)
    assert plan is not None

    def tasks() -> Iterator[Task]:
        return Agenda(plan, SegmentList(plan, stores.media), (), 1, Demands()).rest()

    keys = [task.key for task in tasks()]
    fitting = [key for key in keys if key.startswith(f"{kind}/")]
    wanted = fitting[len(fitting) // 2]
    return next(task for task in tasks() if task.key == wanted)


if __name__ == "__main__":
    main()
