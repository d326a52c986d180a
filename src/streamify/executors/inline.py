"""The reference engine: every task in this process, one after another."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from functools import partial

from streamify.errors import TaskFailure
from streamify.executors.attempt import Run, attempt, real_run
from streamify.executors.base import OnEvent, TaskError
from streamify.executors.report import Reporter
from streamify.executors.retry import Retry
from streamify.executors.wire import Done
from streamify.model.task import Result, Task
from streamify.storage.base import Stores


class InlineExecutor:
    """Runs each task when it is submitted; futures are done when `submit` returns. Ctrl-C passes through."""

    name = "inline"
    capacity = 1

    def __init__(
        self, stores: Stores, on_event: OnEvent, run: Run | None = None, *, retry: Retry | None = None
    ) -> None:
        self._stores = stores
        self._report = Reporter(on_event)
        self._run = run or real_run()
        self._retry = retry or Retry()
        self._open = True
        self._report.ready(self.name, 1, "1 worker: inline runs in this process")

    def submit(self, task: Task) -> Future[Result]:
        """See `Executor.submit`."""
        if not self._open:
            raise RuntimeError("the engine is shut down")
        future: Future[Result] = Future()
        future.set_running_or_notify_cancel()
        outcome = self._settle(task)
        if isinstance(outcome, TaskError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        return future

    def shutdown(self, *, cancel: bool) -> None:  # noqa: ARG002 - nothing ever waits here
        """See `Executor.shutdown`."""
        self._open = False

    def _settle(self, task: Task) -> Result | TaskError:
        number = 0
        while True:
            number += 1
            self._report.started(task.key, os.getpid(), number)
            progress = partial(self._report.progress, task.key, os.getpid(), number)
            reply = attempt(task, self._stores, self._run, progress)
            if isinstance(reply, Done):
                self._report.finished(task.key, os.getpid(), number, reply.usage)
                return reply.result
            failure = TaskFailure(task.key, reply.code, reply.cause, number, reply.trace, reply.hint)
            if reply.again != "yes" or number == self._retry.attempts:
                self._report.failed(failure, os.getpid(), reply.exit_code)
                return TaskError(failure, reply.exit_code)
            delay = self._retry.delay(number)
            self._report.retried(failure, os.getpid(), delay)
            time.sleep(delay)
