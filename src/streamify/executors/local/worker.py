"""A worker process: ``python -P -m streamify.executors.local.worker [--confined] DESCRIPTOR``."""

from __future__ import annotations

import gc
import os
import signal
import sys
from functools import partial
from queue import SimpleQueue
from threading import Thread

from streamify.executors.attempt import Run, attempt, real_run
from streamify.executors.local.start import CONFINED
from streamify.executors.wire import BeginningFound, Done, Failed, Hello, Progress, Ready, Work
from streamify.machine.confine import confine
from streamify.machine.limits import allow_cpu, allow_memory, apply_limits, die_with_driver
from streamify.machine.seal import seal
from streamify.model.progress import Unit
from streamify.model.result import Beginning
from streamify.storage.locate import StoreLocations
from streamify.storage.served import served_stores


def main(run: Run | None = None) -> None:
    """Run tasks until the driver closes its pipe or dies. Never returns.

    Args:
        run: What runs a task; `streamify.tasks.run.run_task` unless a test has its own.
    """
    work(int(sys.argv[-1]), run)


def work(replies: int, run: Run | None = None, parent: int | None = None) -> None:
    """Run tasks that come on stdin. Never returns.

    Args:
        replies: Descriptor for what is answered.
        run: As of `main`.
        parent: Process that it is to end with; ``None``: the driver, which started it.
    """
    if CONFINED in sys.argv:
        confine()  # before there is another thread
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which then decides
    if parent is not None:
        die_with_driver(parent)
    tasks = _take_pipes(replies)
    lines: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_watch, args=(tasks, lines), name="driver", daemon=True).start()
    run = run or real_run()  # before the driver's first line: a worker that is started ahead waits with all loaded
    gc.freeze()  # what is loaded stays: it need not be looked through with every collection
    hello = Hello.from_json(lines.get())
    try:
        if parent is None:
            die_with_driver(hello.driver)
    except PermissionError:  # Lambda is said to refuse prctl(2); there, the pipe that closes must do
        if hello.channel is None:
            raise
    places: StoreLocations | None = None
    stores = served_stores(hello.channel) if hello.channel is not None else None
    sealed = seal() if hello.channel is not None else None
    apply_limits(hello.limits)
    _answer(replies, Ready(seal=sealed).to_json())
    while True:
        work = Work.from_json(lines.get())
        task = work.task
        if hello.channel is None and work.stores is not None and work.stores != places:
            places, stores = work.stores, work.stores.open()
        assert stores is not None
        allow_cpu(task.budget.cpu_seconds)
        allow_memory(task.budget.memory_bytes)
        reply: Done | Failed = attempt(
            task, stores, run, partial(_tell, replies, task.key), partial(_begin, replies, task.key)
        )
        sys.stdout.flush()
        sys.stderr.flush()
        _answer(replies, reply.to_json())


def _take_pipes(replies: int) -> int:
    """Move the driver's pipes out of the way of code that reads stdin, and of programs that inherit descriptors.

    Return the one of tasks.
    """
    tasks = os.dup(0)  # not inheritable (PEP 446)
    os.set_inheritable(replies, False)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return tasks


def _watch(tasks: int, lines: SimpleQueue[bytes]) -> None:
    """Queue every line of the driver; when the driver is gone, so is this process, whatever it is doing."""
    with os.fdopen(tasks, "rb") as pipe:
        for line in pipe:
            if line.endswith(b"\n"):
                lines.put(line)
        os._exit(0)


def _tell(replies: int, key: str, done: int, total: int, unit: Unit) -> None:
    _answer(replies, Progress(key=key, done=done, total=total, unit=unit).to_json())


def _begin(replies: int, key: str, beginning: Beginning) -> None:
    _answer(replies, BeginningFound(key=key, beginning=beginning).to_json())


def _answer(replies: int, line: bytes) -> None:
    data = memoryview(line + b"\n")
    while data:
        data = data[os.write(replies, data) :]


if __name__ == "__main__":
    main()
