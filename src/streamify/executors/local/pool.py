"""The worker processes of this machine, for one job or for several at a time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import partial
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
from streamify.executors.wire import Hello, Work
from streamify.machine.limits import WorkerLimits
from streamify.model.result import Result
from streamify.model.task import Budget, Task
from streamify.storage.locate import CREDENTIALS, StoreLocations


class WorkerPool:
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
        self.capacity, self.reason = workers, reason or "as asked for"
        self._lock = Lock()
        self._inbox: deque[Callable[[], None]] = deque()
        self._state: Literal["open", "drain", "cancel", "closed"] = "open"
        self._error: BaseException | None = None
        self._opened = 0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._memory = sys.maxsize if memory is None else memory
        self._own = WorkerStarter()
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
            order=order,
            urgent=urgent,
            warm=warm,
            spare=spare,
        )
        self._dispatcher = Dispatcher(config, self._wake_read)
        # A daemon: a driver that forgets `shutdown` must end all the same, and its workers end with it.
        self._thread = Thread(target=self._work, name="streamify-local-executor", daemon=True)
        self._thread.start()

    def executor(self, locations: StoreLocations, on_event: OnEvent, turn: float | None = None) -> JobExecutor:
        """Return an executor for one more job: it shares the workers, and its end ends neither them nor other jobs.

        Args:
            locations: What its tasks read and write.
            on_event: See `JobExecutor`.
            turn: See `JobExecutor`; ``None``: the order in which they are opened.
        """
        with self._lock:
            self._opened += 1
            age = self._opened
        return JobExecutor(self, age, locations, on_event, age if turn is None else turn)

    def submit(self, job: Job) -> None:
        """Queue a task of an executor.

        Raises:
            RuntimeError: The pool is shut down.
        """
        with self._lock:
            if self._state != "open":
                raise RuntimeError("the executor is shut down") from self._error
            self._tell(partial(self._dispatcher.add, job))

    def rank(self, age: int, key: str, priority: int) -> None:
        """Change the priority of a task of one executor soon."""
        with self._lock:
            if self._state != "closed":
                self._tell(partial(self._dispatcher.rank, age, key, priority))

    def drop(self, age: int, error: BaseException | None = None) -> None:
        """Cut off all tasks of one executor soon: cancel them, or fail them with `error`."""
        with self._lock:
            if self._state != "closed":
                self._tell(partial(self._dispatcher.drop, age, error))

    def width(self, budget: Budget) -> int:
        """See `Executor.width`."""
        return width(self.capacity, self._memory, budget)

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller is a listener or a callback: it must not wait for tasks."""
        return current_thread() is self._thread

    def shutdown(self, *, cancel: bool) -> None:
        """See `Executor.shutdown`; of all executors. Futures of tasks that were cut off raise `CancelledError`.

        Returns when every worker is gone, except when called from a callback of the pool's own thread.
        """
        with self._lock:
            if self._state == "open" or (self._state == "drain" and cancel):
                self._state = "cancel" if cancel else "drain"
                self._wake()
        if not self.is_own_thread:
            self._thread.join()

    def _tell(self, what: Callable[[], None]) -> None:
        self._inbox.append(what)
        self._wake()

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
            self._own.close()
            os.close(self._wake_read)

    def _take(self) -> str:
        with self._lock:
            told, state = tuple(self._inbox), self._state
            self._inbox.clear()
        for what in told:
            what()
        return state


class JobExecutor:
    """The executor of one job, over workers that it may share with others; see `WorkerPool.executor`.

    Tasks of greater priority go first, of equal ones those of the executor with the least turn, then of
    the one that was opened earlier. An exception of
    `on_event` ends this executor: each of its futures raises it.

    Args:
        pool: Its workers.
        age: Number of the executor, in the order in which they were opened.
        locations: What its tasks read and write.
        on_event: Takes `engine.ready`, `task.*` and `note` events: an `EventDelivery`, where they may be slow to take.
        turn: Any number, comparable to those of the other executors.
    """

    name = "local"

    def __init__(
        self, pool: WorkerPool, age: int, locations: StoreLocations, on_event: OnEvent, turn: float = 0
    ) -> None:
        self.capacity = pool.capacity
        self._pool, self._age, self._turn, self._locations = pool, age, turn, locations
        self._lock = Lock()
        self._open = True
        self._error: BaseException | None = None
        self._running: set[Future[Result]] = set()
        self._report = Reporter(on_event, self._fail)
        Reporter(on_event).ready(self.name, pool.capacity, pool.reason)

    def submit(self, task: Task) -> TaskFuture:
        """See `Executor.submit`."""
        work = Work(stores=self._locations, task=task)
        job = Job(task, work.to_json(), self._report, self._age, self._turn)
        with self._lock:
            if not self._open:
                raise RuntimeError("the executor is shut down") from self._error
            self._pool.submit(job)
            self._running.add(job.future)
        job.future.add_done_callback(self._ended)
        return job.future

    def rank(self, key: str, priority: int) -> None:
        """See `Executor.rank`."""
        self._pool.rank(self._age, key, priority)

    def width(self, budget: Budget) -> int:
        """See `Executor.width`."""
        return self._pool.width(budget)

    def shutdown(self, *, cancel: bool) -> None:
        """See `Executor.shutdown`. Futures of tasks that were cut off raise `concurrent.futures.CancelledError`.

        Returns when all of them are done, except when called from a callback of the pool's own thread.
        """
        with self._lock:
            self._open, running = False, tuple(self._running)
        if cancel and running:
            self._pool.drop(self._age)
        if not self._pool.is_own_thread:
            wait(running)

    def _ended(self, future: Future[Result]) -> None:
        with self._lock:
            self._running.discard(future)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._error, self._open = error, False
        self._pool.drop(self._age, error)
