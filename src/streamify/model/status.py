"""Job status, as `status` and `cancel` tell it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.errors import Failure
from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA

State = Literal["running", "complete", "interrupted", "cancelled", "failed"]


class TrackStatus(Frozen):
    """One rendition or audio track."""

    id: str
    name: str
    """Of the rung, such as ``1080p``, or ``audio``."""
    done: int
    """Segments."""
    total: int


class RunStatus(Frozen):
    """The run that holds DEST, or the last one that did."""

    id: str
    engine: str
    host: str
    """Name of the machine; empty on AWS."""
    pid: int
    """Of the process on that machine; 0 on AWS."""
    started: float | None
    """Seconds since the epoch."""
    ended: float | None
    """Seconds since the epoch; ``None`` while it runs, and where its process was lost."""
    outcome: str | None = None
    """``complete``, ``failed``, ``cancelled`` or ``interrupted``; ``None`` as `ended`."""
    error: str | None = None
    """Why it failed."""


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


class JobStatus(Frozen):
    """A job: what is done of it, and whether it goes on."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    state: State
    source: str | None = None
    """Name of the source; ``None`` as long as it is not planned."""
    done: int = 0
    """Segments x tracks."""
    total: int = 0
    share: float = 0.0
    """Of the job's CPU time, what its finished segments took; 0 to 1."""
    seconds_left: float | None = None
    """Until the end, at the speed of this run so far; ``None`` where it is not known."""
    tracks: tuple[TrackStatus, ...] = ()
    planned: float | None = None
    """When the plan was written, seconds since the epoch."""
    finished: float | None = None
    """When the report was written, seconds since the epoch; ``None`` as long as the stream is not complete."""
    run: RunStatus | None = None
    """The last run; ``None`` where it was of an earlier version of Streamify."""
    failed: tuple[Failure, ...] = ()
    """Tasks of that run that failed for good."""
    execution: Execution | None = None
    """Of the last job on AWS at this DEST."""
    faults: tuple[str, ...] = ()
    """What is damaged at DEST, and how to mend it."""


class Cancelled(Frozen):
    """What became of a job that was to be ended."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    run: str
    execution: str | None = None
    """On AWS: ARN."""
    cancelled: bool
    """False where it had ended before."""
    status: str
    """How the run ended: on AWS in its own words, else as `RunStatus.outcome`."""


class StackJob(Frozen):
    """A job of a stack on AWS."""

    execution: str
    """ARN."""
    state: str
    """``running``, ``succeeded``, ``failed``, ``timed out``, ``aborted``; or ``refused``: its source or settings cannot
    be used; or ``superseded``: its source was uploaded again."""
    source: str
    dest: str
    """The ARN again, where it was started with something that is no job."""
    started: float
    """Seconds since the epoch."""
    stopped: float | None
    error: str | None = None
    """Why it did not succeed."""


class StackJobs(Frozen):
    """The latest jobs of a stack on AWS."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    stack: str
    jobs: tuple[StackJob, ...]
    """The latest first."""
    more: bool
    """Whether there are earlier ones."""
