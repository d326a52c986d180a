"""How a job stands, as `status` and `cancel` tell it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA

State = Literal["running", "complete", "incomplete", "failed"]


class TrackStatus(Frozen):
    """One rendition or audio track."""

    id: str
    name: str
    """Of the rung, such as ``1080p``, or ``audio``."""
    done: int
    """Segments."""
    total: int


class FailedTask(Frozen):
    """A task that failed for good."""

    key: str
    code: str
    cause: str
    attempts: int


class Execution(Frozen):
    """An execution on AWS."""

    arn: str
    status: str
    """In AWS's own words: ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT``, ``ABORTED``."""
    started: float | None
    """Seconds since the epoch."""
    stopped: float | None
    error: str | None = None
    """Why it ended, where not because of tasks that failed."""
    failed: tuple[FailedTask, ...] = ()


class JobStatus(Frozen):
    """A job: what is done of it, and whether it goes on."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    state: State
    """``running`` and ``failed`` are known of AWS alone; a job of this machine that is not ``complete`` may run."""
    source: str | None = None
    """Name of the source; ``None`` as long as it is not planned."""
    done: int = 0
    """Segments x tracks."""
    total: int = 0
    tracks: tuple[TrackStatus, ...] = ()
    planned: float | None = None
    """When the plan was written, seconds since the epoch."""
    finished: float | None = None
    """When the report was written, seconds since the epoch; ``None`` as long as the stream is not complete."""
    execution: Execution | None = None
    """Of the last job on AWS at this DEST."""


class Cancelled(Frozen):
    """What became of an execution that was to be ended."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    execution: str
    """ARN."""
    cancelled: bool
    """False where it had ended before."""
    status: str
    """In AWS's own words."""
