"""Events of a job: what `--events` writes (NDJSON), progress shows and `on_event` receives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA

EventKind = Literal[
    "job.started",
    "upload.progress",
    "plan.ready",
    "engine.ready",
    "task.started",
    "task.progress",
    "task.paused",
    "task.resumed",
    "task.finished",
    "task.retried",
    "task.failed",
    "segment.finished",
    "job.finished",
    "job.failed",
    "note",
    "watch.ready",
    "upload.accepted",
    "upload.ended",
    "hook.called",
    "hook.failed",
]


class Event(Frozen):
    """Something that happened."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    time: float
    """Seconds since the epoch."""
    kind: EventKind
    """What happened; docs/reference/events.md explains each kind."""
    task: str | None = None
    """Key of the task it is about."""
    worker: int | None = None
    """Process id of the worker."""
    host: str | None = None
    """Name of its machine, on a cluster; ``None``: this one."""
    attempt: int | None = None
    """1 at the first try."""
    job: str | None = None
    """DEST of the job it is about, where those of several are told together."""
    message: str = ""
    """One line for people."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Numbers and names for programs; docs/reference/events.md lists them by kind."""
