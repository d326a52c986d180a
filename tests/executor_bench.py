"""A local executor under test, with what its worker processes did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from faults import worker as faults
from faults.worker import LIMITS, release, task
from leaks import child_processes
from stores import locations
from streamify.executors.base import Order, by_priority
from streamify.executors.local.executor import LocalExecutor
from streamify.executors.retry import Retry
from streamify.machine.limits import WorkerLimits
from streamify.model.backoff import Backoff
from streamify.model.event import Event

COMMAND = (sys.executable, "-P", faults.__file__)


class Bench:
    def __init__(self, root: Path) -> None:
        self.locations = locations(root / "uploads", root / "media")
        self.events: list[Event] = []
        self.engines: list[LocalExecutor] = []
        self.others = child_processes()

    def start(
        self,
        workers: int = 1,
        *,
        command: Sequence[str] = COMMAND,
        timeout: float | None = 600,
        stall: float = 600,
        start: float = 600,
        warm: bool = False,
        first_delay: float = 0.02,
        memory: int | None = None,
        order: Order = by_priority,
        urgent: int | None = None,
        spare: bool = False,
        limits: WorkerLimits = LIMITS,
        on_event: Callable[[Event], None] | None = None,
    ) -> LocalExecutor:
        engine = LocalExecutor(
            self.locations,
            workers,
            on_event or self.events.append,
            command=command,
            limits=limits,
            memory=memory,
            order=order,
            urgent=urgent,
            spare=spare,
            task_timeout=timeout,
            stall_timeout=stall,
            start_timeout=start,
            warm=warm,
            retry=Retry(backoff=Backoff(first=first_delay, factor=4, longest=30)),
        )
        self.engines.append(engine)
        return engine

    def processes(self) -> set[psutil.Process]:
        """Return the child processes that came since the test began; object stores of other tests may run beside."""
        return child_processes() - self.others

    def release(self, *names: str) -> None:
        """Let tasks ``until:NAME`` end."""
        release(self.locations.media.path, *names)

    @staticmethod
    def looks(engine: LocalExecutor) -> None:
        """Return when the engine has seen all that its workers told before; it needs a worker that has no task."""
        engine.submit(task("echo:looks")).result()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


class Clock:
    """The clock by which a local executor judges its workers; it can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def forward(self, seconds: float, engine: LocalExecutor) -> None:
        """Let time pass, and let the executor notice."""
        self._ahead += seconds
        engine.rank("no such task", 0)
