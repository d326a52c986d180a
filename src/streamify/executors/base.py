"""What an executor is: something that takes tasks and gives futures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Protocol

from streamify.errors import Failure, StreamifyError, error_for
from streamify.model.attempt import Attempt
from streamify.model.event import Event
from streamify.model.result import Beginning, Result
from streamify.model.task import Budget, Task

OnEvent = Callable[[Event], None]
"""Takes events. Executors call theirs from threads that must not wait, so an `EventDelivery` goes between."""

Order = Callable[[Sequence[Task]], Task]
"""Chooses which of the waiting tasks starts next; asked whenever one can start. They are in order of submission, those
of executors with an earlier turn first."""


def by_priority(waiting: Sequence[Task]) -> Task:
    """Choose the task with the greatest priority, of several the first: of the job whose turn it is, the oldest."""
    return max(waiting, key=lambda task: task.priority)


class TaskError(StreamifyError):
    """A task failed for good: its own error, or its worker was lost more often than it is retried."""

    exit_code = 4

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code, failure.cause, failure.hint, transient=failure.transient)
        self.args = (failure,)
        self.failure = failure
        self.exit_code = failure.exit_code

    def as_raised(self) -> StreamifyError:
        """Return the error of the kind that the task itself raised."""
        kind = error_for(self.exit_code)
        return self if kind is StreamifyError else kind(self.code, self.message, self.hint, transient=self.transient)


class TaskFuture(Future[Result]):
    """The future of a task, with what became of each attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts: tuple[Attempt, ...] = ()
        """That have ended, in order; all of them once the future is done."""
        self._told: list[Attempt] = []
        self._keep: Callable[[Attempt], None] | None = None
        self._beginning: Beginning | None = None
        self._on_beginning: Callable[[Beginning], None] | None = None
        self._lock = Lock()

    def begin(self, beginning: Beginning) -> None:
        """Take what a split knows of the beginning of its film, for executors."""
        with self._lock:
            self._beginning = beginning
            if self._on_beginning is not None:
                self._on_beginning(beginning)

    def on_beginning(self, take: Callable[[Beginning], None]) -> None:
        """Hand the beginning of the film to `take`, perhaps at once, perhaps never; again with each attempt.

        `take` is called from threads that must not wait.
        """
        with self._lock:
            self._on_beginning = take
            if self._beginning is not None:
                take(self._beginning)

    def tell(self, attempt: Attempt) -> None:
        """Take note of an attempt, for executors: as it begins, and as it ends."""
        with self._lock:
            if attempt.outcome != "running":
                self.attempts += (attempt,)
            if self._keep is None:
                self._told.append(attempt)
            else:
                self._keep(attempt)

    def follow(self, keep: Callable[[Attempt], None]) -> None:
        """Hand every attempt to `keep`, as it begins and as it ends; those of before at once.

        `keep` is called from threads that must not wait.
        """
        with self._lock:
            self._keep = keep
            for attempt in self._told:
                keep(attempt)
            self._told = []


class Executor(Protocol):
    """Runs tasks. Deterministic for a given task: the executor changes where and when, never what."""

    name: str
    """As in ``--engine``."""

    @property
    def capacity(self) -> int:
        """Tasks that run at the same moment at most; callers keep a small multiple of it submitted.

        It follows a cluster that grows and shrinks.
        """

    def submit(self, task: Task) -> TaskFuture:
        """Queue one task; of those that wait, the executor's `Order` chooses the next one to start.

        The future raises `TaskError` where the task failed for good; `exit_code` of that error is the exit code
        of the `StreamifyError` that the task itself raised, 4 where its worker died or hung, 1 for a bug.
        """

    def rank(self, key: str, priority: int) -> None:
        """Change the priority of a task that was submitted and may run already; one that has ended stays so."""

    def width(self, budget: Budget) -> int:
        """Return how many tasks of that budget run at the same moment: `capacity`, or fewer where memory is short."""

    def shutdown(self, *, cancel: bool) -> None:
        """Stop. With `cancel`, running tasks are stopped at once and queued ones never start.

        Where workers are shared by several executors, those of the others go on.
        """
