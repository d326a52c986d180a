"""The reference executor: every task in this process, one after another."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial

from streamify.executors.attempt import Run, attempt, begun, failed, finished, real_run
from streamify.executors.base import OnEvent, TaskError, TaskFuture
from streamify.executors.report import Reporter
from streamify.executors.retry import Retry
from streamify.executors.wire import Done
from streamify.model.task import Budget, Task
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
        self._report.ready(self.name, 1, "in this process")

    def submit(self, task: Task) -> TaskFuture:
        """See `Executor.submit`."""
        if not self._open:
            raise RuntimeError("the executor is shut down")
        future = TaskFuture()
        future.set_running_or_notify_cancel()
        number = 0
        while not future.done():
            number += 1
            self._attempt(task, future, number)
        return future

    def rank(self, key: str, priority: int) -> None:
        """See `Executor.rank`: a task that was submitted here has ended."""

    def width(self, budget: Budget) -> int:  # noqa: ARG002 - one, whatever it needs
        """See `Executor.width`."""
        return 1

    def shutdown(self, *, cancel: bool) -> None:  # noqa: ARG002 - nothing ever waits here
        """See `Executor.shutdown`."""
        self._open = False

    def _attempt(self, task: Task, future: TaskFuture, number: int) -> None:
        pid = str(os.getpid())
        this = begun(task.key, number, pid, time.time())
        self._report.started(task, this)
        future.tell(this)
        reply = attempt(task, self._stores, self._run, partial(self._report.progress, task.key, pid, number))
        if isinstance(reply, Done):
            made = finished(this, reply)
            future.tell(made)
            self._report.finished(made)
            future.set_result(reply.result)
            return
        failure = replace(reply.failure, attempts=number)
        again = self._retry.again(failure) and not reply.exhausted
        made = failed(this, failure, again=again, usage=reply.usage)
        future.tell(made)
        if again:
            delay = self._retry.delay(number)
            self._report.retried(made, failure, delay)
            time.sleep(delay)
        else:
            self._report.failed(made, failure)
            future.set_exception(TaskError(failure))
