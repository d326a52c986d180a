"""Why a job was slow, or why it failed: what `explain` tells."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.errors import Failure
from streamify.model.attempt import Attempt, Spent
from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA
from streamify.model.status import State


class Idle(Frozen):
    """Seconds in which workers had no task, by when that was; of all workers together."""

    planning: float = 0
    """Before the first task that makes a part of the stream: while the source was planned."""
    between: float = 0
    """While there were tasks left to hand out."""
    tail: float = 0
    """After the last task was handed out, until the last one ended."""
    finishing: float = 0
    """After the last task: certificate and manifests."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.planning + self.between + self.tail + self.finishing


class TaskTime(Frozen):
    """A task that took long."""

    task: str
    """Key."""
    seconds: float
    """Of its attempts together, without pauses."""
    usual: float
    """Median of the tasks of the same kind: the same renditions or audio track, other segments."""
    attempts: int
    paused: float = 0
    """Seconds for which it stood still so that tasks for viewers could run."""
    spent: Spent
    """What its worker did meanwhile, seconds."""


class Step(Frozen):
    """A stretch of the critical path: what the end of the run waited for at that time."""

    what: Literal["planning", "task", "between", "retry", "earlier", "finishing"]
    """``planning``: before the first task; ``between``: no task of the path ran; ``retry``: the pause before another
    attempt; ``earlier``: tasks that are not listed one by one; ``finishing``: certificate and manifests."""
    task: str | None = None
    """Key."""
    number: int | None = None
    """Of the attempt."""
    worker: str | None = None
    begin: float
    """Seconds since the start of the run."""
    seconds: float


class Tries(Frozen):
    """A task that took more than one attempt, or failed."""

    task: str
    attempts: tuple[Attempt, ...]
    """That are recorded, in order."""
    missing: int = 0
    """Attempts that left no record: their worker was lost (AWS)."""


class Finding(Frozen):
    """One cause, and what can be done about it."""

    cause: str
    """Stable identifier, which docs/reference/cli-explain.md lists, or an error code."""
    seconds: float = 0
    """What it cost, worker seconds; 0 where that is not the point."""
    text: str
    advice: str = ""


class RunTime(Frozen):
    """Where the time of one run went. ``wall_seconds * workers`` = the sum of `spent`, `lost` and `idle`."""

    id: str
    engine: str
    outcome: str | None
    """``complete``, ``failed``, ``cancelled``, ``interrupted``; ``None``: it runs, or its process was lost."""
    started: float
    """Seconds since the epoch."""
    wall_seconds: float
    """Up to its end; of a run that goes on until now; of one that was lost until its last sign of life."""
    workers: int
    """Tasks that could run at the same moment; on AWS the most that did."""
    tasks: int
    """That were tried."""
    attempts: int
    reused: int
    """Segments x tracks that were there before."""
    spent: Spent
    """By attempts that gave a result or go on, worker seconds."""
    lost: float
    """By attempts that gave none, worker seconds."""
    idle: Idle
    paused: float
    """Seconds for which tasks stood still so that tasks for viewers could run; their workers' time is those tasks'."""
    cpu_seconds: float
    slowest: tuple[TaskTime, ...]
    retried: tuple[Tries, ...]
    path: tuple[Step, ...]
    """The critical path; its steps sum to the wall time."""
    running: tuple[Attempt, ...]
    """Attempts that go on, or went on when the run was lost."""


class RunSummary(Frozen):
    """A run of the job, to choose from."""

    id: str
    engine: str
    started: float
    ended: float | None
    outcome: str | None
    error: str | None


class Explanation(Frozen):
    """Why a job was slow, or why it failed."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    state: State
    source: str | None
    run: RunTime | None
    """The run that was asked for, or the last one; ``None``: there is no record of any."""
    runs: tuple[RunSummary, ...]
    """All that are recorded, the first one first."""
    failed: tuple[Failure, ...] = ()
    """Tasks of that run that failed for good."""
    findings: tuple[Finding, ...] = ()
    """Why it failed, and why it took so long; the most important first."""
