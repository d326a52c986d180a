"""The worker processes of this machine, for one job or for several at a time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from threading import Event

from streamify.executors.admission import width
from streamify.executors.base import Order, by_priority
from streamify.executors.local.config import WorkerConfig
from streamify.executors.local.dispatch import Dispatcher
from streamify.executors.local.start import COMMAND, WorkerStarter, worker_environment
from streamify.executors.pending import Pending
from streamify.executors.pool import Pool
from streamify.executors.retry import Retry
from streamify.executors.wire import Hello
from streamify.machine.limits import WorkerLimits
from streamify.model.task import Budget
from streamify.storage.locate import CREDENTIALS


class WorkerPool(Pool):
    """Runs tasks in worker processes, one at a time in each, and tries again where a worker is lost.

    Workers start when there is work for them. One thread looks after them; the callbacks of futures and the listeners
    of its executors are called from it, so they must not block. Each task has the CPU time and memory of its budget.

    Args:
        workers: How many processes there are at most; see `streamify.machine.resources.choose_workers`.
        remote: Whether a source or a stream lies in an object store, whose credentials the workers need.
        memory: Bytes that the budgets of all running tasks together may not exceed; one task runs in any case.
            ``None``: any number.
        reason: Why that many workers, for `engine.ready`.
        limits: What one worker may use, whatever its task.
        task_timeout: Seconds of wall clock an attempt may take before its worker counts as hung; ``None``: twice the
            CPU seconds of the task's budget. What a worker needs to start is not in it: that may take `start_timeout`.
        stall_timeout: Seconds in which a worker with a task may use no CPU time; after about that, at most twice
            that, it counts as hung. Storage that does not answer is given up after 150.
        start_timeout: Seconds of wall clock in which a worker must be ready.
        retry: How often and when to try again.
        order: Chooses which of the waiting tasks starts next.
        urgent: Priority from which a task starts at once, in a worker of its own beside the others; of those, the one
            that started last pauses until it is done. So `workers` tasks go on at any moment, and fewer while an urgent
            one uses several cores. ``None``: no task does.
        command: What starts a worker; the number of its reply descriptor is appended.
        environment: Of the workers; by default as little as will do.
        starter: Starts the workers; ``None``: one of its own does, and ends with the pool.
        warm: Start workers with the first task: they load FFmpeg while it runs.
        spare: Keep one more worker ready while all are busy, for a task that is urgent; it takes 80 MB.
    """

    def __init__(
        self,
        workers: int,
        *,
        remote: bool = False,
        memory: int | None = None,
        reason: str = "",
        limits: WorkerLimits | None = None,
        task_timeout: float | None = None,
        stall_timeout: float = 300,
        start_timeout: float = 120,
        retry: Retry | None = None,
        order: Order = by_priority,
        urgent: int | None = None,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        starter: WorkerStarter | None = None,
        warm: bool = False,
        spare: bool = False,
    ) -> None:
        self._capacity = workers
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._memory = sys.maxsize if memory is None else memory
        self._own = WorkerStarter()
        self._cancelled = Event()
        config = WorkerConfig(
            starter=starter or self._own,
            command=tuple(command),
            environment=environment or worker_environment(os.environ, *(CREDENTIALS if remote else ())),
            hello=Hello(driver=os.getpid(), limits=limits or WorkerLimits()),
            capacity=workers,
            memory=self._memory,
            task_timeout=task_timeout,
            stall_timeout=stall_timeout,
            retry=retry or Retry(),
            start_timeout=start_timeout,
            urgent=urgent,
            warm=warm,
            spare=spare,
            cancelled=self._cancelled,
        )
        pending = Pending(config.retry, order)
        dispatcher = Dispatcher(config, pending, self._wake_read)
        super().__init__(dispatcher, pending, "local", reason or "as asked for")

    @property
    def capacity(self) -> int:
        """See `Pool.capacity`."""
        return self._capacity

    def width(self, budget: Budget) -> int:
        """See `Executor.width`."""
        return width(self._capacity, self._memory, budget)

    def shutdown(self, *, cancel: bool) -> None:
        """See `Pool.shutdown`; with `cancel`, a process that still loads what workers need is not waited for."""
        if cancel:
            self._cancelled.set()
        super().shutdown(cancel=cancel)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it will wake in any case
            os.write(self._wake_write, b"\0")

    def _closed(self) -> None:
        os.close(self._wake_write)

    def _ended(self) -> None:
        self._own.close()
        os.close(self._wake_read)
