"""One attempt at a task: the same value on every engine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from streamify.errors import Failure
from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA
from streamify.model.result import MediaResult, Result

FAILURE: TypeAdapter[Failure] = TypeAdapter(Failure)
"""A failure as JSON."""


class Usage(Frozen):
    """What one attempt took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    """Peak resident size of the process so far."""
    resident_bytes: int
    """Resident size after the task."""


class Stages(Frozen):
    """CPU seconds by stage."""

    decode: float = 0
    scale: float = 0
    encode: float = 0
    other: float = 0

    @classmethod
    def of(cls, result: Result) -> Stages:
        """Return what the segments of a result cost together."""
        if not isinstance(result, MediaResult):
            return cls()
        costs = [record.cost for record in result.records]
        names = ("decode", "scale", "encode", "other")
        return cls(**{name: round(sum(getattr(cost, name) for cost in costs), 4) for name in names})


class Spent(Frozen):
    """Seconds that a worker spent in attempts, by what it did."""

    start: float = 0
    """Before the task began in it: it loaded FFmpeg first."""
    decode: float = 0
    scale: float = 0
    encode: float = 0
    other: float = 0
    """Computing anything else: packaging, hashes, an index; all of a task whose stages are not measured."""
    wait: float = 0
    """Not computing: for storage, for a core that other processes had."""


class Attempt(Frozen):
    """One attempt at a task: as it begins, and again once it has ended."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    task: str
    """Key."""
    number: int
    """1 at the first try. On AWS the function with more memory counts from 2, however often the other one tried."""
    worker: str
    """What ran it: a process id, or the name of a log stream."""
    memory: int | None = None
    """MB of the function that ran it; ``None``: it was none."""
    started: float
    """Seconds since the epoch."""
    ended: float | None = None
    """Seconds since the epoch; ``None`` while it runs."""
    paused: float = 0
    """Seconds, of those between start and end, for which it stood still so that a task for a viewer could run."""
    stages: Stages = Stages()
    """All 0 where it gave no result."""
    usage: Usage | None = None
    """``None`` where the worker was lost."""
    second: bool = False
    """Whether it was begun beside an earlier one that took much longer than others of its kind: the first of the two to
    end counts, and the other one is cut off."""
    more_memory: int | None = None
    """Bytes that it asked a node of a Ray cluster for, where that is more than was predicted: memory had run out in an
    earlier attempt."""
    outcome: Literal["running", "finished", "retried", "failed", "cancelled"]
    """``running``: it has begun; ``retried``: it failed and another follows; ``failed``: for good; ``cancelled``: cut
    off with its job, or because another attempt was first."""
    failure: Failure | None = None
    """Where it failed."""
