"""How worker processes are made and what they may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

from streamify.executors.local.start import WorkerStarter
from streamify.executors.retry import Retry
from streamify.executors.wire import Hello
from streamify.model.task import Budget, Task


@dataclass(frozen=True)
class WorkerConfig:
    """What is the same for all workers of an executor."""

    starter: WorkerStarter
    command: Sequence[str]
    environment: Mapping[str, str]
    hello: Hello
    capacity: int
    memory: int
    """Bytes that the budgets of all running tasks together may not exceed."""
    task_timeout: float | None
    """Seconds of wall clock that an attempt may take, from the moment at which its worker has it and is ready;
    ``None``: twice the CPU seconds of its budget."""
    stall_timeout: float
    """Seconds in which a worker with a task may use no CPU time."""
    start_timeout: float
    """Seconds of wall clock that a worker may take to become ready."""
    retry: Retry
    urgent: int | None = None
    """Priority from which a task starts beside `capacity` others, which pause meanwhile; ``None``: no task does."""
    warm: bool = False
    """Start workers with the first task, not each with its own."""
    spare: bool = False
    """While all `capacity` workers are busy with usual tasks, keep one more ready for an urgent one."""
    cancelled: Event = field(default_factory=Event)
    """Set once all is to be cut off: no worker is waited for then."""

    def is_urgent(self, task: Task) -> bool:
        """Return whether a task starts at once, whatever runs."""
        return self.urgent is not None and task.priority >= self.urgent

    def load(self, task: Task) -> int:
        """Return how many of `capacity` places a task takes: one, but for an urgent one all the cores that it uses."""
        return min(task.budget.cores, self.capacity) if self.is_urgent(task) else 1

    def timeout(self, budget: Budget) -> float:
        """Return the seconds of wall clock that an attempt at a task of that budget may take."""
        return 2 * budget.cpu_seconds if self.task_timeout is None else self.task_timeout
