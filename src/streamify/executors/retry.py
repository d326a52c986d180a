"""How often and when a task is tried again, and how the exit of a worker is described."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from streamify.errors import Failure
from streamify.model.backoff import Backoff

WAITED_FOR = frozenset({"storage-unavailable", "storage-unreachable"})
"""Codes of failures for whose end the storage has waited half a minute by itself: the job ends, and can be resumed."""


@dataclass(frozen=True)
class Retry:
    """Attempts at a task and the pauses between them."""

    attempts: int = 3
    """In all: the first and two retries."""
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.5, factor=4, longest=30))

    def again(self, failure: Failure) -> bool:
        """Return whether another attempt follows the one that failed."""
        return failure.transient and failure.code not in WAITED_FOR and failure.attempts < self.attempts

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (1 is the first)."""
        return self.backoff.pause(attempt)


def lost(key: str, code: str, cause: str, signal: str | None = None) -> Failure:
    """Return the failure of a task whose worker was lost; another worker may carry it out."""
    return Failure(key, code, cause, signal=signal, transient=True)


def describe_exit(key: str, status: int, limit: int) -> Failure:
    """Describe a worker that exited with `status`, as `subprocess` gives it, under a limit of `limit` CPU seconds."""
    if status >= 0:
        return lost(key, "worker-exited", f"the worker exited with status {status} in the middle of the task")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"  # real-time signals have no name
    if name == "SIGXCPU":
        cause = f"the task used more than its {limit} s of CPU time"
        return Failure(key, "worker-cpu-limit", cause, signal=name)  # another worker would use as much
    if name == "SIGKILL":
        cause = "the worker was killed by SIGKILL, as the kernel does when memory runs out"
        return lost(key, "worker-killed", cause, name)
    return lost(key, "worker-killed", f"the worker was ended by {name}", name)
