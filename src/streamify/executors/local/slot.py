"""A worker process and the task that it runs, with the moments by which it must show something."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from streamify.errors import Failure
from streamify.executors.local.config import WorkerConfig
from streamify.executors.local.process import WorkerProcess
from streamify.executors.retry import lost
from streamify.executors.waiting import Job
from streamify.machine.usage import cpu_seconds


@dataclass(eq=False)
class Worker:
    """One worker, as the dispatcher sees it."""

    config: WorkerConfig
    process: WorkerProcess
    deadline: float
    """When it must be ready; once it is, when it must have done its task."""
    job: Job | None = None
    ready: bool = False
    cpu: float = 0
    """Seconds that it had used at the last look."""
    moved: float = math.inf
    """When it was last seen to have used any, once it is ready."""
    paused: float | None = None
    """When it was paused; ``None``: it goes on."""

    @property
    def name(self) -> str:
        """As attempts name it."""
        return str(self.process.pid)

    @property
    def timed(self) -> bool:
        """Whether its deadline counts: it is starting or has a task, and is not paused."""
        return self.paused is None and (self.job is not None or not self.ready)

    @property
    def look_at(self) -> float:
        """When it must be looked at, whether it sends anything or not."""
        return min(self.deadline, self.moved + self.config.stall_timeout)

    def allow(self, job: Job | None) -> None:
        """Let the time begin that a job has: the worker is ready."""
        self.moved = time.monotonic()
        self.deadline = self.moved + self.config.timeout(job.task.budget) if job is not None else math.inf

    def pause(self) -> bool:
        """Stop it; the time that it is paused does not count. Return whether it ran."""
        if self.paused is not None:
            return False
        self.paused = time.monotonic()
        self.process.pause()
        return True

    def resume(self) -> bool:
        """Let it go on. Return whether it was paused."""
        if not self.count_pause():
            return False
        self.process.resume()
        return True

    def count_pause(self) -> bool:
        """End the pause on our side alone: of a worker that goes on, or will never. Return whether there was one."""
        if self.paused is None:
            return False
        lost_time = time.monotonic() - self.paused
        self.deadline, self.moved, self.paused = self.deadline + lost_time, self.moved + lost_time, None
        if self.job is not None:
            self.job.paused += lost_time
        return True

    def overdue(self, now: float) -> Failure | None:
        """Return why a worker is to be given up, if it is; CPU time is looked at only when it may be stalled."""
        key = self.job.key if self.job is not None else ""
        if self.deadline <= now:
            if not self.ready:
                cause = f"the worker was not ready within {self.config.start_timeout:g} s"
                return lost(key, "worker-start-failed", cause)
            timeout = self.config.timeout(self.job.task.budget) if self.job is not None else 0
            return lost(key, "worker-hung", f"no result within {timeout:g} s")
        if now - self.moved < self.config.stall_timeout:
            return None
        used = cpu_seconds(self.process.pid)
        if used - self.cpu < 0.01:
            return lost(key, "worker-hung", f"it did nothing for {self.config.stall_timeout:g} s")
        self.cpu, self.moved = used, now
        return None
