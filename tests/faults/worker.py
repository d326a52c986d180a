"""The real worker loop round tasks that do what their key says: ``VERB[:ARGUMENT][#NUMBER]``.

Started by its path as the `command` of a local engine; imported for `run` and `task` by the inline engine's tests.
A test that looks at a task while it runs uses ``until:NAME``: it goes on, and reports progress, until `release`.
"""

# ruff: noqa: T201 - what a task prints must not disturb the replies
from __future__ import annotations

import ctypes
import os
import random
import signal
import sys
import time
from pathlib import Path

from streamify.errors import DestinationError, SourceError
from streamify.executors.local.worker import main
from streamify.machine.limits import WorkerLimits
from streamify.model.progress import OnProgress
from streamify.model.result import CheckResult, Result
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceRef
from streamify.model.task import Budget, SplitTask, Task
from streamify.storage.base import Stores

MIB = 1 << 20
LIMITS = WorkerLimits(address_bytes=2048 * MIB, recycle_bytes=200 * MIB, file_bytes=MIB)
BUDGET = Budget(cpu_seconds=60, memory_bytes=100 * MIB)
"""Far more than any task needs: an attempt may take twice as many seconds of wall clock, and machines are busy."""
BRIEF = Budget(cpu_seconds=1, memory_bytes=100 * MIB)
"""For a task that is to use up its CPU time."""
RELEASED = "released"
"""Folder of the media storage with an object for each name that was released."""
_leaked: list[bytearray] = []


def task(key: str, budget: Budget = BUDGET, priority: int = 0) -> Task:
    """Return a task that does what `key` says."""
    ref = SourceRef(key="in.mp4", size=1, version="v", identity="x")
    return SplitTask(key=key, source=ref, settings=MediaSettings(), write=False, budget=budget, priority=priority)


def release(media: Path, *names: str) -> None:
    """Let tasks ``until:NAME`` end, those too that begin later.

    Args:
        media: Folder of the media storage.
        names: Of the tasks.
    """
    (media / RELEASED).mkdir(parents=True, exist_ok=True)
    for name in names:
        (media / RELEASED / name).touch()


def run(task: Task, stores: Stores, progress: OnProgress | None = None) -> Result:
    """Do what the key says. Each attempt leaves an object ``attempts/...`` in the media storage."""
    verb, _, argument = task.key.split("#")[0].partition(":")
    folder, earlier = f"attempts/{task.key[:200]}", 0
    while not stores.media.put_new(f"{folder}/{earlier}", b"").new:
        earlier += 1
    print(f"stdout of {task.key}", flush=True)
    print(f"stderr of {task.key}", file=sys.stderr)
    if not (argument == "once" and earlier > 0):
        if verb == "count" and progress is not None:
            for number in range(int(argument)):
                time.sleep(0.005)
                progress(number + 1, int(argument), "pictures")
        if verb == "until" and progress is not None:
            _go_on(argument, stores, progress)
        _misbehave(verb, argument, stores)
    if verb == "bulk":  # a result of that many random characters, which no compression makes small
        argument = random.Random(argument).randbytes(int(argument) // 2).hex()
    return CheckResult(key=task.key, faults=(verb, argument), frames=earlier + 1)


def _go_on(name: str, stores: Stores, progress: OnProgress) -> None:
    done, total = 0, 1 << 30
    while stores.media.get(f"{RELEASED}/{name}") is None:
        time.sleep(0.02)  # seldom: the CPU time of a task is limited
        done += 1
        progress(done, total, "pictures")


def _misbehave(verb: str, argument: str, stores: Stores) -> None:
    match verb:
        case "sleep":
            time.sleep(float(argument))
        case "stay":
            time.sleep(600)
        case "signal":
            os.kill(os.getpid(), signal.Signals[argument])
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "hang":  # inside C, holding Python's lock, deaf to every signal but SIGKILL
            print("hung", sum(range(10**15)))
        case "spin":
            while True:
                pass
        case "need":  # so many MiB
            print("had", len(bytearray(int(argument) * MIB)))
        case "eat":
            print("ate", len(bytearray(4096 * MIB)))
        case "leak":
            _leaked.append(bytearray(b"x") * (300 * MIB))
        case "flood":
            for descriptor in (1, 2):
                os.write(descriptor, b"flood\n" * 50_000)
            os.write(2, b"last words\n")
            os.kill(os.getpid(), signal.SIGKILL)
        case "stdin":
            print("read", sys.stdin.read())
        case "file":
            stores.media.put("large", bytes(2 * MIB))
        case "source":
            raise SourceError("no-video", "in.mp4 has no video", "give another file")
        case "storage":
            raise DestinationError("storage-failed", "the storage did not answer", transient=True)
        case "full":
            raise DestinationError("disk-full", "the disk is full")
        case "bug":
            raise ZeroDivisionError("two\nlines")


if __name__ == "__main__":
    main(run)
