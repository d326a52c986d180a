"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock, Thread, current_thread
from typing import Literal

from streamify.executors.admission import width
from streamify.executors.base import OnEvent, Order, TaskFuture, by_priority
from streamify.executors.local.config import WorkerConfig
from streamify.executors.local.dispatch import Dispatcher
from streamify.executors.local.start import COMMAND, WorkerStarter, worker_environment
from streamify.executors.local.waiting import Job
from streamify.executors.report import Reporter
from streamify.executors.retry import Retry
from streamify.executors.wire import Hello
from streamify.machine.limits import WorkerLimits
from streamify.model.task import Budget, Task
from streamify.storage.locate import CREDENTIALS, StoreLocations


class LocalExecutor:
    """Runs tasks in worker processes, one at a time in each, and tries again where a worker is lost.

    Workers start when there is work for them. One thread looks after them; `on_event` and the callbacks of futures
    are called from it, so they must not block. An exception of `on_event` ends the executor: every future raises it.
    Each task has the CPU time and the memory of its budget.

    Args:
        locations: What the workers open.
        workers: How many processes there are at most; see `streamify.machine.resources.choose_workers`.
        on_event: Takes `engine.ready`, `task.*` and `note` events: an `EventDelivery`, where they may be slow to take.
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
            that started last pauses until it is done. So `workers` tasks go on at any moment. ``None``: no task does.
        command: What starts a worker; the number of its reply descriptor is appended.
        environment: Of the workers; by default as little as will do.
        starter: Has perhaps a worker running already.
        warm: Start workers with the first task: they load FFmpeg while it runs.
    """

    name = "local"

    def __init__(
        self,
        locations: StoreLocations,
        workers: int,
        on_event: OnEvent,
        *,
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
    ) -> None:
        self.capacity = workers
        self._lock = Lock()
        self._inbox: deque[Job] = deque()
        self._state: Literal["open", "drain", "cancel", "closed"] = "open"
        self._error: BaseException | None = None
        report = Reporter(on_event)
        report.ready(self.name, workers, reason or "as asked for")
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._memory = sys.maxsize if memory is None else memory
        config = WorkerConfig(
            starter=starter or WorkerStarter(),
            command=tuple(command),
            environment=environment or worker_environment(os.environ, *(CREDENTIALS if locations.remote else ())),
            hello=Hello(driver=os.getpid(), stores=locations, limits=limits or WorkerLimits()),
            capacity=workers,
            memory=self._memory,
            task_timeout=task_timeout,
            stall_timeout=stall_timeout,
            retry=retry or Retry(),
            start_timeout=start_timeout,
            order=order,
            urgent=urgent,
            warm=warm,
        )
        self._dispatcher = Dispatcher(config, report, self._wake_read)
        # A daemon: a driver that forgets `shutdown` must end all the same, and its workers end with it.
        self._thread = Thread(target=self._work, name="streamify-local-executor", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> TaskFuture:
        """See `Executor.submit`."""
        job = Job(task, task.to_json())
        with self._lock:
            if self._state != "open":
                raise RuntimeError("the executor is shut down") from self._error
            self._inbox.append(job)
            self._wake()
        return job.future

    def width(self, budget: Budget) -> int:
        """See `Executor.width`."""
        return width(self.capacity, self._memory, budget)

    def shutdown(self, *, cancel: bool) -> None:
        """See `Executor.shutdown`. Futures of tasks that were cut off raise `concurrent.futures.CancelledError`.

        Returns when every worker is gone, except when called from a callback of the executor's own thread.
        """
        with self._lock:
            if self._state == "open" or (self._state == "drain" and cancel):
                self._state = "cancel" if cancel else "drain"
                self._wake()
        if current_thread() is not self._thread:
            self._thread.join()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it will wake in any case
            os.write(self._wake_write, b"\0")

    def _work(self) -> None:
        try:
            while self._take() != "cancel" and not (self._state == "drain" and self._dispatcher.finished):
                self._dispatcher.step()
        except BaseException as error:  # not swallowed: every future and `submit` raise it
            self._error = error
        finally:
            with self._lock:
                self._state = "closed"
                os.close(self._wake_write)
            self._take()
            self._dispatcher.close(self._error)
            os.close(self._wake_read)

    def _take(self) -> str:
        with self._lock:
            while self._inbox:
                self._dispatcher.add(self._inbox.popleft())
            return self._state
