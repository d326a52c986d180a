"""The events that engines send, in one wording."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from streamify.errors import Failure
from streamify.executors.base import OnEvent
from streamify.model.attempt import Attempt
from streamify.model.event import Event, EventKind
from streamify.model.progress import Unit
from streamify.model.task import AudioTask, Task, VideoTask
from streamify.planning.timeline import spent

GIB = 1 << 30


class Reporter:
    """Turns what happens in an engine into events.

    Args:
        on_event: Takes them.
        on_error: Takes what `on_event` raises, which takes no more events then; ``None``: it is raised.
    """

    def __init__(self, on_event: OnEvent, on_error: Callable[[BaseException], None] | None = None) -> None:
        self._on_event, self._on_error = on_event, on_error
        self.broken = False
        """Whether `on_error` was called."""

    def ready(self, engine: str, workers: int, reason: str) -> None:
        """The engine takes tasks."""
        self._send("engine.ready", message=reason, data={"engine": engine, "workers": workers, "reason": reason})

    def started(self, task: Task, attempt: Attempt) -> None:
        """A worker has begun a task."""
        data = covers(task) | ({"second": True} if attempt.second else {})
        if attempt.more_memory is not None:
            data["more_memory"] = attempt.more_memory
        self._attempt("task.started", attempt, data=data)

    def paused(self, attempt: Attempt, *, paused: bool) -> None:
        """A task stands still so that one for a viewer can run, or goes on."""
        self._attempt("task.paused" if paused else "task.resumed", attempt)

    def progress(self, key: str, worker: str, attempt: int, done: int, total: int, unit: Unit) -> None:
        """A task is part done."""
        self._send("task.progress", key, worker, attempt, data={"done": done, "total": total, "unit": unit})

    def finished(self, attempt: Attempt) -> None:
        """A task gave its result."""
        usage = attempt.usage.model_dump() if attempt.usage is not None else {}
        self._attempt("task.finished", attempt, data=usage | _times(attempt))

    def retried(self, attempt: Attempt, failure: Failure, delay: float) -> None:
        """An attempt failed; another follows after `delay` seconds."""
        data = {"code": failure.code, "signal": failure.signal, "delay": delay, "log": failure.log}
        self._attempt("task.retried", attempt, f"{failure}; trying again in {delay:.1f} s", data | _times(attempt))

    def lost_one(self, attempt: Attempt, failure: Failure) -> None:
        """One of two attempts failed; the other one goes on."""
        data = {"code": failure.code, "signal": failure.signal, "delay": 0.0, "log": failure.log}
        self._attempt("task.retried", attempt, f"{failure}; another attempt goes on", data | _times(attempt))

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """A task failed for good."""
        data = {
            "code": failure.code, "signal": failure.signal, "exit_code": failure.exit_code, "log": failure.log
        }  # fmt: skip
        self._attempt("task.failed", attempt, str(failure), data | _times(attempt))

    def short_of_memory(self, key: str, budget: int, free: int, running: int) -> None:
        """A task waits for memory, or runs alone although its budget is above what is free."""
        what = f"{max(1, running)} at a time"
        message = (
            f"memory limits tasks to {what}: this one may need {budget / GIB:.1f} GiB, {free / GIB:.1f} GiB were free"
        )
        self._send("note", key, message=message, data={"budget_bytes": budget, "free_bytes": free})

    def recycled(self, worker: int, resident: int, cap: int) -> None:
        """A worker that had grown too large was replaced."""
        message = f"worker {worker} replaced: {resident >> 20} MiB resident after its task, above {cap >> 20} MiB"
        self._send("note", worker=str(worker), message=message, data={"resident_bytes": resident, "cap_bytes": cap})

    def _attempt(
        self, kind: EventKind, attempt: Attempt, message: str = "", data: dict[str, Any] | None = None
    ) -> None:
        self._send(kind, attempt.task, attempt.worker, attempt.number, message, data)

    def _send(
        self,
        kind: EventKind,
        task: str | None = None,
        worker: str = "",
        attempt: int | None = None,
        message: str = "",
        data: dict[str, Any] | None = None,
    ) -> None:
        if self.broken:
            return
        host, _, pid = worker.rpartition(":")
        event = Event(
            time=time.time(), kind=kind, task=task, worker=int(pid) if pid else None, host=host or None,
            attempt=attempt, message=message, data=data or {},
        )  # fmt: skip
        try:
            self._on_event(event)
        except BaseException as error:
            if self._on_error is None:
                raise
            self.broken = True
            self._on_error(error)


def covers(task: Task) -> dict[str, Any]:
    """Return what a task makes, for readers that know the plan: tracks, and the segments of them."""
    match task:
        case VideoTask():
            return _cells(task.kind, [track.id for track in task.renditions], task.segment.index, 1)
        case AudioTask():
            return _cells(task.kind, [task.track.id], task.first_segment, len(task.cuts) - 1)
        case _:
            return {"kind": task.kind}


def _cells(kind: str, tracks: list[str], first: int, segments: int) -> dict[str, Any]:
    return {"kind": kind, "tracks": tracks, "first": first, "segments": segments}


def _times(attempt: Attempt) -> dict[str, Any]:
    return {
        "started": attempt.started,
        "ended": attempt.ended,
        "paused": attempt.paused,
        "stages": spent(attempt).model_dump(),
    }
