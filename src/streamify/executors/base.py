"""What an engine is: something that takes tasks and gives futures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from streamify.errors import StreamifyError, TaskFailure
from streamify.model.event import Event
from streamify.model.task import Result, Task

OnEvent = Callable[[Event], None]


class TaskError(StreamifyError):
    """A task failed for good: its own error, or its worker was lost more often than it is retried."""

    exit_code = 4

    def __init__(self, failure: TaskFailure, exit_code: int = 4) -> None:
        super().__init__(failure.code, failure.cause, failure.hint)
        self.args = (failure, exit_code)
        self.failure = failure
        self.exit_code = exit_code


class Executor(Protocol):
    """Runs tasks. Deterministic for a given task: the engine changes where and when, never what."""

    name: str
    """As in ``--engine``."""
    capacity: int
    """Tasks that run at the same moment; callers keep a small multiple of it submitted."""

    def submit(self, task: Task) -> Future[Result]:
        """Queue one task; queued tasks start in order of submission.

        The future raises `TaskError` where the task failed for good; `exit_code` of that error is the exit code
        of the `StreamifyError` that the task itself raised, 4 where its worker died or hung, 1 for a bug.
        """

    def shutdown(self, *, cancel: bool) -> None:
        """Stop. With `cancel`, running tasks are stopped at once and queued ones never start."""
