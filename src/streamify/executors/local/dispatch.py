"""Gives tasks to worker processes and judges what comes back; runs in one thread and owns all of its state."""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from dataclasses import replace

from streamify.errors import Failure
from streamify.executors.admission import admits
from streamify.executors.local.config import WorkerConfig
from streamify.executors.local.slot import Worker
from streamify.executors.log import tail
from streamify.executors.pending import Pending
from streamify.executors.retry import describe_exit, lost
from streamify.executors.waiting import Job
from streamify.executors.wire import REPLY, BeginningFound, Done, Failed, Progress, Ready
from streamify.machine.limits import GIB


class Dispatcher:
    """The state machine behind `LocalExecutor`: call `step` from one thread, and `close` at the end.

    That one thread starts all workers and outlives them: the kernel ends a worker with the thread that started it.

    Args:
        config: How workers are made.
        pending: The jobs.
        wake: A descriptor; bytes that arrive there end a `step`.
    """

    def __init__(self, config: WorkerConfig, pending: Pending, wake: int) -> None:
        self._config = config
        self._wake = wake
        self._selector = selectors.DefaultSelector()
        self._selector.register(wake, selectors.EVENT_READ)
        self._pending = pending
        self._workers: list[Worker] = []
        self._failed_starts = 0
        self._warm = config.warm
        self._told_of_memory = False

    def step(self) -> None:
        """Start what can start, then wait until a pipe or a deadline has news, and act on it."""
        self._start()
        for key, _ in self._selector.select(self._longest_wait()):
            worker: Worker | None = key.data
            if worker is None:
                os.read(self._wake, 4096)
            elif worker not in self._workers:
                continue  # an earlier piece of news ended it
            elif key.fd == worker.process.replies:
                self._receive(worker)
            elif key.fd == worker.process.output:
                if not worker.process.read_output():
                    self._selector.unregister(key.fd)
            elif not worker.process.flush():
                self._selector.unregister(key.fd)
        now = time.monotonic()
        for worker in [worker for worker in self._workers if worker.timed]:
            if (failure := worker.overdue(now)) is not None:
                self._lose(worker, failure)

    def close(self, error: BaseException | None) -> None:
        """Kill every worker; cancel what is left, or fail it with `error`."""
        while self._workers:
            self._cut_off(self._workers[0])
        self._selector.close()
        self._pending.close(error)

    def drop(self, age: int, error: BaseException | None) -> None:
        """Cut off the tasks of one executor: cancel them, or fail them with `error`."""
        for worker in [worker for worker in self._workers if worker.job is not None and worker.job.age == age]:
            self._cut_off(worker)
        self._pending.drop(age, error)

    def _cut_off(self, worker: Worker) -> None:
        self._end(worker)
        if (job := worker.job) is not None:
            worker.count_pause()
            self._pending.cut_off(job, worker.name)

    # Starting

    def _start(self) -> None:
        self._pending.remove_cancelled()
        waiting = self._pending.waiting
        while (job := waiting.choose()) is not None and self._has_room(job) and self._admits(job):
            if not self._pending.begin(job):
                continue
            try:
                idle = (worker for worker in self._workers if worker.job is None)
                worker = min(idle, key=lambda worker: not worker.ready, default=None) or self._spawn()
            except OSError as error:
                if self._config.cancelled.is_set():
                    return  # `close` follows, and settles the job
                cause = f"cannot start {self._config.command[0]}: {error}"
                self._fail_start(job, lost(job.key, "worker-start-failed", cause), "")
                continue
            worker.job = job
            if worker.ready:
                worker.allow(job)
                worker.process.clear_log()  # else it may say why it does not become ready
            self._pending.started(job, worker.name)
            self._send(worker, job.payload)
            self._warm_up()
        self._keep_spare()
        self._pause()

    def _has_room(self, job: Job) -> bool:
        """Return whether a worker may take a job: one of `capacity`, or for an urgent one of others beside them.

        Of urgent tasks as many go on as there are cores for, and `capacity` again may stand behind them that are less
        urgent.
        """
        load, capacity = self._config.load, self._config.capacity
        if not self._config.is_urgent(job.task):
            return sum(load(other.task) for other in self._jobs()) < capacity
        urgent = [other.task for other in self._jobs() if self._config.is_urgent(other.task)]
        before = sum(load(other) for other in urgent if other.priority >= job.task.priority)
        return before < capacity and len(urgent) < 2 * capacity

    def _pause(self) -> None:
        """Let tasks go on as long as there are cores, the most urgent first, then those that started first.

        All others pause.
        """
        running = [(self._rank(worker.job), worker, worker.job) for worker in self._workers if worker.job is not None]
        running.sort(key=lambda one: one[0])
        used = 0
        for _, worker, job in running:
            paused = used >= self._config.capacity
            used += self._config.load(job.task)
            if worker.pause() if paused else worker.resume():
                job.report.paused(job.attempt(worker.name), paused=paused)

    def _rank(self, job: Job) -> tuple[int, float]:
        return -job.task.priority if self._config.is_urgent(job.task) else 0, job.started

    def _admits(self, job: Job) -> bool:
        """Return whether a job fits beside those that run; tell once that memory is what limits them."""
        running = [other.task.budget for other in self._jobs()]
        memory, budget = self._config.memory, job.task.budget
        admitted = admits(memory, running, budget)
        if not self._told_of_memory and (not admitted or budget.memory_bytes > memory):
            self._told_of_memory = True
            job.report.short_of_memory(job.key, budget.memory_bytes, memory, len(running))
        return admitted

    def _warm_up(self) -> None:
        """Start workers that have no task yet, so that they are ready when theirs comes: as many as memory is for."""
        warm, self._warm = self._warm, False
        while warm and len(self._workers) < min(self._config.capacity, self._config.memory // GIB):
            try:
                self._spawn()
            except OSError:
                return  # the first task that needs this worker tries again, and reports it

    def _keep_spare(self) -> None:
        """Start one worker more where usual tasks keep all of them busy: an urgent one then need not wait for it."""
        usual = sum(not self._config.is_urgent(job.task) for job in self._jobs())
        if self._config.spare and usual == len(self._workers) == self._config.capacity and not self._failed_starts:
            with contextlib.suppress(OSError):  # the urgent task tries again, and reports it
                self._spawn()

    def _spawn(self) -> Worker:
        config, deadline = self._config, time.monotonic() + self._config.start_timeout
        process = config.starter.start(
            config.command, config.environment, timeout=config.start_timeout, cancelled=config.cancelled
        )
        worker = Worker(config, process, deadline)
        self._workers.append(worker)
        for descriptor in (worker.process.replies, worker.process.output):
            self._selector.register(descriptor, selectors.EVENT_READ, worker)
        self._send(worker, self._config.hello.to_json())
        return worker

    def _send(self, worker: Worker, line: bytes) -> None:
        if worker.process.send(line) and worker.process.tasks not in self._selector.get_map():
            self._selector.register(worker.process.tasks, selectors.EVENT_WRITE, worker)

    def _busy(self) -> int:
        """Return how many workers have a task."""
        return len(self._jobs())

    def _jobs(self) -> list[Job]:
        """Return the jobs that workers have."""
        return [worker.job for worker in self._workers if worker.job is not None]

    def _longest_wait(self) -> float | None:
        moments = [worker.look_at for worker in self._workers if worker.timed]
        if self._pending.waiting.due is not None and self._busy() < self._config.capacity:
            moments.append(self._pending.waiting.due)
        return max(0, min(moments) - time.monotonic()) if moments else None

    # Judging

    def _receive(self, worker: Worker) -> None:
        try:
            replies = [REPLY.validate_json(line) for line in worker.process.receive()]
        except ValueError as error:  # pydantic's ValidationError is one
            self._lose(worker, lost("", "worker-garbled", f"the worker sent no valid reply: {error}"))
            return
        for reply in replies:
            if isinstance(reply, Ready) and not worker.ready:
                worker.ready = True
                worker.allow(worker.job)
                self._failed_starts = 0
            elif isinstance(reply, Ready) or worker.job is None or _key(reply) != worker.job.key:
                self._lose(worker, lost("", "worker-garbled", "the worker answered what it was not asked"))
                return
            elif isinstance(reply, Progress):
                job = worker.job
                job.report.progress(job.key, worker.name, job.number, reply.done, reply.total, reply.unit)
            elif isinstance(reply, BeginningFound):
                worker.job.future.begin(reply.beginning)
            else:
                self._conclude(worker, worker.job, reply)
        if worker.process.ended and worker in self._workers:
            self._lose(worker, None)

    def _conclude(self, worker: Worker, job: Job, reply: Done | Failed) -> None:
        worker.resume()  # it may have answered before it was paused
        worker.job = None
        worker.process.read_output()
        pid, resident = worker.process.pid, reply.usage.resident_bytes
        cap = self._config.hello.limits.recycle_above(job.task.budget.memory_bytes)
        if resident > cap or (isinstance(reply, Failed) and reply.exhausted):
            self._end(worker)
            job.report.recycled(pid, resident, cap)
        if isinstance(reply, Done):
            self._pending.finish(job, str(pid), reply)
        else:
            log = tail(worker.process.log + reply.failure.log)
            self._pending.fail(job, replace(reply.failure, log=log), str(pid), reply.usage)

    def _lose(self, worker: Worker, failure: Failure | None) -> None:
        """End a worker that broke the rules (`failure` says how) or is dead already (its exit status says how)."""
        worker.count_pause()
        status = self._end(worker)
        job, pid, log = worker.job, worker.process.pid, worker.process.log
        if job is None:
            return
        if failure is None and not worker.ready and status >= 0:  # it gave up by itself: no accident
            cause = f"the worker exited with status {status} before it was ready"
            failure = lost(job.key, "worker-start-failed", cause)
        failure = failure or describe_exit(job.key, status, job.task.budget.cpu_seconds)
        failure = replace(failure, key=job.key, log=log)
        if failure.code == "worker-start-failed":
            self._fail_start(job, failure, str(pid))
        else:
            self._pending.fail(job, failure, str(pid))

    def _fail_start(self, job: Job, failure: Failure, worker: str) -> None:
        """Count a worker that could not start; where none can, give up on everything instead of task by task."""
        self._failed_starts += 1
        hopeless = self._failed_starts >= self._config.retry.attempts
        failure = replace(failure, exit_code=5, transient=not hopeless)
        self._pending.fail(job, failure, worker)
        if hopeless:
            self._pending.fail_waiting(failure)

    def _end(self, worker: Worker) -> int:
        self._workers.remove(worker)
        for descriptor in (worker.process.replies, worker.process.output, worker.process.tasks):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        return worker.process.kill()


def _key(reply: Progress | BeginningFound | Done | Failed) -> str:
    match reply:
        case Progress() | BeginningFound():
            return reply.key
        case Done():
            return reply.result.key
        case Failed():
            return reply.failure.key
