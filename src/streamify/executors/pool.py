"""Workers that several jobs may share, looked after by one thread; and the executor that each job has over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from threading import Lock, Thread, current_thread
from typing import Literal, Protocol

from streamify.executors.base import OnEvent, TaskFuture
from streamify.executors.pending import Pending
from streamify.executors.report import Reporter
from streamify.executors.waiting import Job
from streamify.executors.wire import Work
from streamify.model.result import Result
from streamify.model.task import Budget, Task
from streamify.storage.locate import StoreLocations


class Dispatching(Protocol):
    """Gives the tasks of a pool to workers. All calls come from one thread."""

    def drop(self, age: int, error: BaseException | None) -> None:
        """Cut off the tasks of one executor: cancel them, or fail them with `error`."""

    def step(self) -> None:
        """Start what can start, then wait for news and act on it; return soon after the pool wakes it."""

    def close(self, error: BaseException | None) -> None:
        """End every worker; cancel what is left, or fail it with `error`."""


class Pool(ABC):
    """Takes the tasks of executors and hands them to a dispatcher, from a thread of its own.

    The callbacks of futures and the listeners of its executors are called from that thread, so they must not block.

    Args:
        dispatcher: Gives tasks to workers.
        pending: The jobs, as the dispatcher has them.
        name: As in ``--engine``.
        reason: Why there are that many workers, for `engine.ready`.
    """

    def __init__(self, dispatcher: Dispatching, pending: Pending, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        self._dispatcher, self._pending = dispatcher, pending
        self._lock = Lock()
        self._inbox: deque[Callable[[], None]] = deque()
        self._state: Literal["open", "drain", "cancel", "closed"] = "open"
        self._error: BaseException | None = None
        self._opened = 0
        # A daemon: a driver that forgets `shutdown` must end all the same, and its workers end with it.
        self._thread = Thread(target=self._work, name=f"streamify-{name}-executor", daemon=True)
        self._thread.start()

    @property
    @abstractmethod
    def capacity(self) -> int:
        """See `Executor.capacity`."""

    @abstractmethod
    def width(self, budget: Budget) -> int:
        """See `Executor.width`."""

    @abstractmethod
    def _wake(self) -> None:
        """End a `step` of the dispatcher that waits; called with the lock held, by any thread."""

    @abstractmethod
    def _closed(self) -> None:
        """Let go of what wakes the dispatcher: nothing is told to it any more."""

    @abstractmethod
    def _ended(self) -> None:
        """Let go of the rest, once the dispatcher is closed."""

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
            self._tell(partial(self._pending.add, job))

    def rank(self, age: int, key: str, priority: int) -> None:
        """Change the priority of a task of one executor soon."""
        with self._lock:
            if self._state != "closed":
                self._tell(partial(self._pending.rank, age, key, priority))

    def drop(self, age: int, error: BaseException | None = None) -> None:
        """Cut off all tasks of one executor soon: cancel them, or fail them with `error`."""
        with self._lock:
            if self._state != "closed":
                self._tell(partial(self._dispatcher.drop, age, error))

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

    def _work(self) -> None:
        try:
            while self._take() != "cancel" and not (self._state == "drain" and self._pending.finished):
                self._dispatcher.step()
        except BaseException as error:  # not swallowed: every future and `submit` raise it
            self._error = error
        finally:
            with self._lock:
                self._state = "closed"
                self._closed()
            self._take()
            self._dispatcher.close(self._error)
            self._ended()

    def _take(self) -> str:
        with self._lock:
            told, state = tuple(self._inbox), self._state
            self._inbox.clear()
        for what in told:
            what()
        return state


class JobExecutor:
    """The executor of one job, over workers that it may share with others; see `Pool.executor`.

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

    def __init__(self, pool: Pool, age: int, locations: StoreLocations, on_event: OnEvent, turn: float = 0) -> None:
        self.name = pool.name
        self._pool, self._age, self._turn, self._locations = pool, age, turn, locations
        self._lock = Lock()
        self._open = True
        self._error: BaseException | None = None
        self._running: set[Future[Result]] = set()
        self._report = Reporter(on_event, self._fail)
        Reporter(on_event).ready(self.name, pool.capacity, pool.reason)

    @property
    def capacity(self) -> int:
        """See `Executor.capacity`."""
        return self._pool.capacity

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
            self._pool.drop(self._age)  # for what is known of its tasks

    def _ended(self, future: Future[Result]) -> None:
        with self._lock:
            self._running.discard(future)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._error, self._open = error, False
        self._pool.drop(self._age, error)
