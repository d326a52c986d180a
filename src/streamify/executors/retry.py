"""How often and when a task is tried again, and how a lost worker is described."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with jitter."""

    attempts: int = 3
    """Attempts in all: the first and two retries."""
    first_delay: float = 0.5
    """Seconds before the second attempt."""
    factor: float = 4
    longest_delay: float = 30
    random: random.Random = field(default_factory=random.SystemRandom, repr=False)

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (1 is the first)."""
        delay: float = min(self.longest_delay, self.first_delay * self.factor ** (attempt - 1))
        return delay * self.random.uniform(0.75, 1.25)


@dataclass(frozen=True)
class Loss:
    """Why a worker went away in the middle of a task."""

    code: str
    cause: str
    signal: str | None = None
    """Name of the signal that ended it, where one did."""
    hint: str = ""
    """How to fix it."""


def describe_exit(status: int, limit: int) -> Loss:
    """Describe a worker's exit `status`, as `subprocess` gives it, under a limit of `limit` CPU seconds a task."""
    if status >= 0:
        return Loss("worker-exited", f"the worker exited with status {status} in the middle of the task")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"  # real-time signals have no name
    if name == "SIGXCPU":
        return Loss("worker-cpu-limit", f"the task used more than its {limit} s of CPU time", name)
    if name == "SIGKILL":
        return Loss("worker-killed", "the worker was killed by SIGKILL, as the kernel does when memory runs out", name)
    return Loss("worker-killed", f"the worker was ended by {name}", name)
