"""Tasks that were submitted and do not run: ready in the order of `Order`, or waiting for their next attempt."""

from __future__ import annotations

import heapq
import time
from bisect import insort_left, insort_right
from collections.abc import Callable
from dataclasses import dataclass, field

from streamify.executors.attempt import begun
from streamify.executors.base import Order, TaskFuture
from streamify.executors.report import Reporter
from streamify.model.attempt import Attempt
from streamify.model.task import Task


@dataclass(eq=False)
class Job:
    """A submitted task on its way."""

    task: Task
    payload: bytes
    """A `Work` as JSON."""
    report: Reporter
    """Takes the events of its task."""
    age: int = 0
    """Number of the executor that it was submitted to, in the order in which they were opened."""
    turn: float = 0
    """Of that executor: of equal priority, the tasks of the one with the least go first."""
    future: TaskFuture = field(default_factory=TaskFuture)
    number: int = 0
    """Of the last attempt."""
    attempts: int = 0
    """How many have begun, second ones too: the highest number that was given; of the job as it was submitted."""
    started: float = 0
    """When that began, seconds since the epoch."""
    paused: float = 0
    """For how long that stood still, seconds."""
    first: Job | None = None
    """Of a second attempt beside one that takes long: the job as it was submitted; see `Pending.begin_second`."""
    doubled: bool = False
    """Whether a second attempt was asked for: there is one in all."""
    more_memory: int | None = None
    """Bytes that are asked for since memory ran out in an attempt; of the job as it was submitted."""

    @property
    def submitted(self) -> Job:
        """The job as it was submitted."""
        return self.first or self

    @property
    def key(self) -> str:
        """The task's key."""
        return self.task.key

    def attempt(self, worker: str) -> Attempt:
        """Return the attempt as it began in a worker; "": none could be started for it."""
        more = self.submitted.more_memory
        return begun(self.key, self.number, worker, self.started, second=self.first is not None, more_memory=more)


class Waiting:
    """The jobs that can start, and those that must wait a little after a failed attempt."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._ready: list[Job] = []
        self._delayed: list[tuple[float, int, Job]] = []
        self._delays = 0  # so that equal moments do not compare jobs

    def add(self, job: Job) -> None:
        """Queue a job."""
        insort_right(self._ready, job, key=_turn)

    def delay(self, job: Job, seconds: float) -> None:
        """Queue a job for another attempt, after a pause."""
        self._delays += 1
        heapq.heappush(self._delayed, (time.monotonic() + seconds, self._delays, job))

    @property
    def due(self) -> float | None:
        """When the next pause ends, on the monotonic clock."""
        return self._delayed[0][0] if self._delayed else None

    def remove_cancelled(self) -> list[Job]:
        """Take out the jobs whose futures were cancelled before they began."""
        gone = [job for job in self._ready if job.future.cancelled()]
        for job in gone:
            self._ready.remove(job)
            job.future.set_running_or_notify_cancel()
        return gone

    @property
    def ready(self) -> tuple[Job, ...]:
        """The jobs that can start, in order of submission."""
        return tuple(self._ready)

    def release(self) -> None:
        """Let the jobs start whose pause is over."""
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            insort_left(self._ready, heapq.heappop(self._delayed)[2], key=_turn)

    def choose(self, fits: Callable[[Job], bool] | None = None) -> Job | None:
        """Return the job that is next, without taking it out; with `fits`, of those that do."""
        self.release()
        among = self._ready if fits is None else [job for job in self._ready if fits(job)]
        if not among:
            return None
        chosen = self._order([job.task for job in among])
        return next(job for job in among if job.task is chosen)

    def take(self, job: Job) -> None:
        """Take a job out."""
        self._ready.remove(job)

    def take_all(self, age: int | None = None) -> list[Job]:
        """Take every job out, also those that wait for their next attempt; with `age`, those of one executor."""
        jobs = [job for job in (*self._ready, *(job for _, _, job in self._delayed)) if age in (None, job.age)]
        self._ready = [job for job in self._ready if job not in jobs]
        self._delayed = [entry for entry in self._delayed if entry[2] not in jobs]
        heapq.heapify(self._delayed)
        return jobs


def _turn(job: Job) -> tuple[float, int]:
    return job.turn, job.age
