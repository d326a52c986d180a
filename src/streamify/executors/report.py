"""The events that engines send, in one wording."""

from __future__ import annotations

import time
from typing import Any

from streamify.errors import TaskFailure
from streamify.executors.base import OnEvent
from streamify.executors.wire import Usage
from streamify.model.event import Event, EventKind
from streamify.model.progress import Unit


class Reporter:
    """Turns what happens in an engine into events."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event

    def ready(self, engine: str, workers: int, reason: str) -> None:
        """The engine takes tasks."""
        self._send("engine.ready", message=reason, data={"engine": engine, "workers": workers, "reason": reason})

    def started(self, key: str, worker: int, attempt: int) -> None:
        """A worker has begun a task."""
        self._send("task.started", key, worker, attempt)

    def progress(self, key: str, worker: int, attempt: int, done: int, total: int, unit: Unit) -> None:
        """A task is part done."""
        self._send("task.progress", key, worker, attempt, data={"done": done, "total": total, "unit": unit})

    def finished(self, key: str, worker: int, attempt: int, usage: Usage) -> None:
        """A task gave its result."""
        self._send("task.finished", key, worker, attempt, data=usage.model_dump())

    def retried(self, failure: TaskFailure, worker: int | None, delay: float, signal: str | None = None) -> None:
        """An attempt failed; another follows after `delay` seconds."""
        data = {"code": failure.code, "signal": signal, "delay": delay, "log": failure.log}
        message = f"{failure}; trying again in {delay:.1f} s"
        self._send("task.retried", failure.key, worker, failure.attempts, message, data)

    def failed(self, failure: TaskFailure, worker: int | None, exit_code: int, signal: str | None = None) -> None:
        """A task failed for good."""
        data = {"code": failure.code, "signal": signal, "exit_code": exit_code, "log": failure.log}
        self._send("task.failed", failure.key, worker, failure.attempts, str(failure), data)

    def recycled(self, worker: int, resident: int, cap: int) -> None:
        """A worker that had grown too large was replaced."""
        message = f"worker {worker} replaced: {resident >> 20} MiB resident after its task, above {cap >> 20} MiB"
        self._send("note", worker=worker, message=message, data={"resident_bytes": resident, "cap_bytes": cap})

    def _send(
        self,
        kind: EventKind,
        task: str | None = None,
        worker: int | None = None,
        attempt: int | None = None,
        message: str = "",
        data: dict[str, Any] | None = None,
    ) -> None:
        self._on_event(
            Event(
                time=time.time(), kind=kind, task=task, worker=worker, attempt=attempt, message=message, data=data or {}
            )
        )
