"""The jobs of a pool that are not settled: what waits, and what becomes of each attempt, on every engine alike."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from dataclasses import replace

from streamify.errors import Failure
from streamify.executors import attempt
from streamify.executors.base import Order, TaskError
from streamify.executors.retry import Retry
from streamify.executors.waiting import Job, Waiting
from streamify.executors.wire import Done
from streamify.model.attempt import Usage


class Pending:
    """Jobs from their submission until their futures are done. For one thread.

    Args:
        retry: How often and when to try again.
        order: Chooses which of the waiting tasks starts next.
    """

    def __init__(self, retry: Retry, order: Order) -> None:
        self._retry = retry
        self._unsettled: dict[Job, None] = {}  # in order of submission, so that `close` forgets none
        self.waiting = Waiting(order)

    @property
    def finished(self) -> bool:
        """Whether nothing is queued, delayed or running."""
        return not self._unsettled

    def add(self, job: Job) -> None:
        """Queue a job."""
        self._unsettled[job] = None
        self.waiting.add(job)

    def rank(self, age: int, key: str, priority: int) -> None:
        """Change the priority of a task of one executor."""
        for job in self._unsettled:
            if job.age == age and job.key == key:
                job.task = job.task.model_copy(update={"priority": priority})

    def remove_cancelled(self) -> None:
        """Forget the jobs whose futures were cancelled before they began."""
        for gone in self.waiting.remove_cancelled():
            del self._unsettled[gone]

    def begin(self, job: Job) -> bool:
        """Take a job out of those that wait, for its next attempt. Return whether it is to be run: not cancelled."""
        self.waiting.take(job)
        if not job.number and not job.future.set_running_or_notify_cancel():
            del self._unsettled[job]
            return False
        job.attempts += 1
        job.number = job.attempts
        job.started, job.paused = time.time(), 0
        return True

    def begin_second(self, job: Job) -> Job:
        """Return a second attempt at a job that goes on: the first of the two to end settles it, by `finish`."""
        job.attempts += 1
        return replace(job, first=job, number=job.attempts, started=time.time(), paused=0)

    def lose_one(self, job: Job, failure: Failure, worker: str, usage: Usage | None = None) -> None:
        """Tell that one of two attempts failed: the other one goes on."""
        failure = replace(failure, attempts=job.number)
        made = attempt.cut_off(job.attempt(worker), failure=failure, usage=usage)
        job.future.tell(made)
        job.report.lost_one(made, failure)

    def started(self, job: Job, worker: str) -> None:
        """Tell that a worker has the job."""
        this = job.attempt(worker)
        job.report.started(job.task, this)
        job.future.tell(this)

    def finish(self, job: Job, worker: str, reply: Done) -> None:
        """Settle a job that has its result."""
        made = attempt.finished(job.attempt(worker), reply, job.paused)
        job.future.tell(made)
        job.report.finished(made)
        if not job.report.broken:  # else what broke it comes with the next command
            del self._unsettled[job.submitted]
            job.future.set_result(reply.result)

    def fail(self, job: Job, failure: Failure, worker: str, usage: Usage | None = None) -> None:
        """Settle a job whose attempt failed, or let it wait for the next one."""
        whole = job.submitted
        failure = replace(failure, attempts=whole.attempts)
        again = self._retry.again(failure)
        made = attempt.failed(job.attempt(worker), failure, again=again, usage=usage, paused=job.paused)
        if job.number:
            job.future.tell(made)
        whole.number, whole.started = job.number, job.started
        if again:
            delay = self._retry.delay(whole.attempts)
            self.waiting.delay(whole, delay)
            job.report.retried(made, failure, delay)
        else:
            job.report.failed(made, failure)
            if not job.report.broken:
                del self._unsettled[whole]
                job.future.set_exception(TaskError(failure))

    def fail_waiting(self, failure: Failure) -> None:
        """Settle all jobs that wait: none of them can be run."""
        for job in self.waiting.take_all():
            if job.number or job.future.set_running_or_notify_cancel():
                self.fail(job, replace(failure, key=job.key), "")
            else:
                del self._unsettled[job]

    def cut_off(self, job: Job, worker: str) -> None:
        """Tell that an attempt is cut off with its job."""
        job.future.tell(attempt.cut_off(job.attempt(worker), job.paused))

    def drop(self, age: int, error: BaseException | None) -> None:
        """Settle the jobs of one executor: cancel them, or fail them with `error`."""
        self.waiting.take_all(age)
        for job in [job for job in self._unsettled if job.age == age]:
            del self._unsettled[job]
            _settle(job, error)

    def close(self, error: BaseException | None) -> None:
        """Settle all that is left."""
        for job in self._unsettled:
            _settle(job, error)


def _settle(job: Job, error: BaseException | None) -> None:
    """Cancel the future of a job that was cut off, or fail it with `error`."""
    if error is None:
        job.future.cancel()  # which does nothing to those that have begun
    if job.future.running() or job.future.set_running_or_notify_cancel():
        job.future.set_exception(error or CancelledError())
