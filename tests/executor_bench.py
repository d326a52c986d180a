"""A local executor under test, with what its worker processes did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from faults import worker as faults
from faults.worker import LIMITS
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
        timeout: float = 60,
        stall: float = 60,
        start: float = 60,
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

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
