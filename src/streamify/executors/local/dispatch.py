"""Gives tasks to worker processes and judges what comes back; runs in one thread and owns all of its state."""

from __future__ import annotations

import heapq
import math
import os
import selectors
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field

from streamify.errors import TaskFailure
from streamify.executors.base import TaskError
from streamify.executors.local.process import WorkerProcess
from streamify.executors.local.start import start_worker
from streamify.executors.log import tail
from streamify.executors.report import Reporter
from streamify.executors.retry import Loss, Retry, describe_exit
from streamify.executors.wire import REPLY, Done, Failed, Hello, Progress, Ready
from streamify.machine.usage import cpu_seconds
from streamify.model.task import Result


@dataclass(eq=False)
class Job:
    """A submitted task on its way."""

    key: str
    payload: bytes
    """The task as JSON."""
    future: Future[Result] = field(default_factory=Future)
    attempt: int = 0


@dataclass(frozen=True)
class Workshop:
    """How workers are made and what they may do."""

    command: Sequence[str]
    environment: Mapping[str, str]
    hello: Hello
    capacity: int
    task_timeout: float
    """Seconds of wall clock that an attempt may take, from the moment at which its worker has it and is ready."""
    stall_timeout: float
    """Seconds in which a worker with a task may use no CPU time."""
    retry: Retry
    start_timeout: float = 120
    """Seconds of wall clock that a worker may take to become ready."""
    warm: bool = False
    """Start all workers with the first task, not each with its own."""


@dataclass(eq=False)
class _Worker:
    process: WorkerProcess
    deadline: float
    """When it must be ready; once it is, when it must have done its task."""
    job: Job | None = None
    ready: bool = False
    cpu: float = 0
    """Seconds that it had used at the last look."""
    moved: float = math.inf
    """When it was last seen to have used any, once it is ready."""


class Dispatcher:
    """The state machine behind `LocalExecutor`: call `add` and `step` from one thread, and `close` at the end.

    That one thread starts all workers and outlives them: the kernel ends a worker with the thread that started it.

    Args:
        shop: How workers are made.
        report: Takes the events.
        wake: A descriptor; bytes that arrive there end a `step`.
    """

    def __init__(self, shop: Workshop, report: Reporter, wake: int) -> None:
        self._shop = shop
        self._report = report
        self._wake = wake
        self._selector = selectors.DefaultSelector()
        self._selector.register(wake, selectors.EVENT_READ)
        self._unsettled: dict[Job, None] = {}  # in order of submission, so that `close` forgets none
        self._queued: deque[Job] = deque()
        self._delayed: list[tuple[float, int, Job]] = []
        self._delays = 0
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        self._warm = shop.warm

    def add(self, job: Job) -> None:
        """Queue a job."""
        self._unsettled[job] = None
        self._queued.append(job)

    @property
    def finished(self) -> bool:
        """Whether nothing is queued, delayed or running."""
        return not self._unsettled

    def step(self) -> None:
        """Start what can start, then wait until a pipe or a deadline has news, and act on it."""
        self._start()
        for key, _ in self._selector.select(self._patience()):
            worker: _Worker | None = key.data
            if worker is None:
                os.read(self._wake, 4096)
            elif worker not in self._workers:
                continue  # an earlier piece of news ended it
            elif key.fd == worker.process.replies:
                self._receive(worker)
            elif key.fd == worker.process.output:
                if not worker.process.listen():
                    self._selector.unregister(key.fd)
            elif not worker.process.flush():
                self._selector.unregister(key.fd)
        now = time.monotonic()
        for worker in self._timed():
            if worker.deadline <= now:
                self._lose(worker, self._too_late(worker))
            elif self._stalled(worker, now):
                self._lose(worker, Loss("worker-hung", f"it did nothing for {self._shop.stall_timeout:g} s"))

    def close(self, error: BaseException | None) -> None:
        """Kill every worker; cancel what is left, or fail it with `error`."""
        while self._workers:
            self._end(self._workers[0])
        self._selector.close()
        for job in self._unsettled:
            if error is None:
                job.future.cancel()  # which does nothing to those that have begun
            if job.future.running() or job.future.set_running_or_notify_cancel():
                job.future.set_exception(error or CancelledError())

    # Starting

    def _start(self) -> None:
        while self._busy() < self._shop.capacity:
            job = self._next()
            if job is None:
                return
            job.attempt += 1
            try:
                idle = (one for one in self._workers if one.job is None)
                worker = min(idle, key=lambda one: not one.ready, default=None) or self._spawn()
            except OSError as error:
                self._fail_start(job, f"cannot start {self._shop.command[0]}: {error}", "", None)
                continue
            worker.job = job
            if worker.ready:
                self._allow(worker)
            worker.process.forget_log()
            self._report.started(job.key, worker.process.pid, job.attempt)
            self._send(worker, job.payload)
            self._warm_up()

    def _warm_up(self) -> None:
        """Start the workers that have no task yet, so that they are ready when theirs comes."""
        warm, self._warm = self._warm, False
        while warm and len(self._workers) < self._shop.capacity:
            try:
                self._spawn()
            except OSError:
                return  # the first task that needs this worker tries again, and reports it

    def _next(self) -> Job | None:
        if self._delayed and self._delayed[0][0] <= time.monotonic():
            return heapq.heappop(self._delayed)[2]
        while self._queued:
            job = self._queued.popleft()
            if job.future.set_running_or_notify_cancel():
                return job
            del self._unsettled[job]
        return None

    def _spawn(self) -> _Worker:
        process = start_worker(self._shop.command, self._shop.environment)
        worker = _Worker(process, time.monotonic() + self._shop.start_timeout)
        self._workers.append(worker)
        for descriptor in (worker.process.replies, worker.process.output):
            self._selector.register(descriptor, selectors.EVENT_READ, worker)
        self._send(worker, self._shop.hello.to_json())
        return worker

    def _send(self, worker: _Worker, line: bytes) -> None:
        if worker.process.send(line) and worker.process.tasks not in self._selector.get_map():
            self._selector.register(worker.process.tasks, selectors.EVENT_WRITE, worker)

    def _allow(self, worker: _Worker) -> None:
        """Let the time begin that an attempt has."""
        worker.moved = time.monotonic()
        worker.deadline = worker.moved + self._shop.task_timeout

    def _stalled(self, worker: _Worker, now: float) -> bool:
        """Return whether a worker has done nothing for too long; looked at only when that may be."""
        if now - worker.moved < self._shop.stall_timeout:
            return False
        used = cpu_seconds(worker.process.pid)
        if used - worker.cpu < 0.01:
            return True
        worker.cpu, worker.moved = used, now
        return False

    def _busy(self) -> int:
        """Return how many workers have a task."""
        return sum(worker.job is not None for worker in self._workers)

    def _timed(self) -> list[_Worker]:
        """Return the workers whose deadline counts: those that are starting or have a task."""
        return [worker for worker in self._workers if worker.job or not worker.ready]

    def _too_late(self, worker: _Worker) -> Loss:
        if worker.ready:
            return Loss("worker-hung", f"no result within {self._shop.task_timeout:g} s")
        return Loss("worker-start-failed", f"the worker was not ready within {self._shop.start_timeout:g} s")

    def _patience(self) -> float | None:
        stall = self._shop.stall_timeout
        moments = [min(worker.deadline, worker.moved + stall) for worker in self._timed()]
        if self._delayed and self._busy() < self._shop.capacity:
            moments.append(self._delayed[0][0])
        return max(0, min(moments) - time.monotonic()) if moments else None

    # Judging

    def _receive(self, worker: _Worker) -> None:
        try:
            replies = [REPLY.validate_json(line) for line in worker.process.receive()]
        except ValueError as error:  # pydantic's ValidationError is one
            self._lose(worker, Loss("worker-garbled", f"the worker sent no valid reply: {error}"))
            return
        for reply in replies:
            if isinstance(reply, Ready) and not worker.ready:
                worker.ready = True
                self._allow(worker)
                self._failed_starts = 0
            elif (
                isinstance(reply, Ready)
                or worker.job is None
                or (isinstance(reply, Done) and reply.result.key != worker.job.key)
                or (isinstance(reply, Progress) and reply.key != worker.job.key)
            ):
                self._lose(worker, Loss("worker-garbled", "the worker answered what it was not asked"))
                return
            elif isinstance(reply, Progress):
                job, pid = worker.job, worker.process.pid
                self._report.progress(job.key, pid, job.attempt, reply.done, reply.total, reply.unit)
            else:
                self._conclude(worker, worker.job, reply)
        if worker.process.ended and worker in self._workers:
            self._lose(worker, None)

    def _conclude(self, worker: _Worker, job: Job, reply: Done | Failed) -> None:
        worker.job = None
        worker.process.listen()
        pid, resident, cap = worker.process.pid, reply.usage.resident_bytes, self._shop.hello.limits.recycle_bytes
        if resident > cap or (isinstance(reply, Failed) and reply.again == "fresh"):
            self._end(worker)
            self._report.recycled(pid, resident, cap)
        if isinstance(reply, Done):
            self._report.finished(job.key, pid, job.attempt, reply.usage)
            del self._unsettled[job]
            job.future.set_result(reply.result)
        else:
            log = tail(worker.process.log + reply.trace)
            loss = Loss(reply.code, reply.cause, hint=reply.hint)
            self._fail(job, loss, log, pid, reply.exit_code, again=reply.again != "no")

    def _lose(self, worker: _Worker, loss: Loss | None) -> None:
        """End a worker that broke the rules (`loss` says how) or is dead already (its exit status says how)."""
        status = self._end(worker)
        job, pid, log = worker.job, worker.process.pid, worker.process.log
        if job is None:
            return
        if loss is None and not worker.ready and status >= 0:  # it gave up by itself: no accident
            loss = Loss("worker-start-failed", f"the worker exited with status {status} before it was ready")
        loss = loss or describe_exit(status, self._shop.hello.limits.cpu_seconds)
        if loss.code == "worker-start-failed":
            self._fail_start(job, loss.cause, log, pid)
        else:
            self._fail(job, loss, log, pid)

    def _fail_start(self, job: Job, cause: str, log: str, pid: int | None) -> None:
        """Count a worker that could not start; where none can, give up on everything instead of task by task."""
        self._failed_starts += 1
        loss = Loss("worker-start-failed", cause)
        hopeless = self._failed_starts >= self._shop.retry.attempts
        self._fail(job, loss, log, pid, 5, again=not hopeless)
        while hopeless and (job_left := self._drop()) is not None:
            self._fail(job_left, loss, log, None, 5, again=False)

    def _fail(self, job: Job, loss: Loss, log: str, pid: int | None, exit_code: int = 4, *, again: bool = True) -> None:
        failure = TaskFailure(job.key, loss.code, loss.cause, job.attempt, log, loss.hint)
        if again and job.attempt < self._shop.retry.attempts:
            delay = self._shop.retry.delay(job.attempt)
            self._delays += 1  # so that equal moments do not compare jobs
            heapq.heappush(self._delayed, (time.monotonic() + delay, self._delays, job))
            self._report.retried(failure, pid, delay, loss.signal)
        else:
            self._report.failed(failure, pid, exit_code, loss.signal)
            del self._unsettled[job]
            job.future.set_exception(TaskError(failure, exit_code))

    def _drop(self) -> Job | None:
        if self._delayed:
            return heapq.heappop(self._delayed)[2]
        return self._next()

    def _end(self, worker: _Worker) -> int:
        self._workers.remove(worker)
        for descriptor in (worker.process.replies, worker.process.output, worker.process.tasks):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        return worker.process.kill()
