"""One task that was run alone, beside what its job made of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.attempt import Attempt, Spent
from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA

Likeness = Literal["same", "different", "none"]
"""``none``: the job has not made it, or keeps nothing to compare with."""


class MadeFile(Frozen):
    """A file that a task made."""

    key: str
    """Below the folder, as below DEST."""
    size: int
    """Bytes."""
    sha256: str
    """Hex."""
    job: Likeness
    """How it compares with what the job's ledger says."""


class SingleRun(Frozen):
    """What one task did that was run alone."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    task: str
    """Key."""
    folder: str | None
    """Where its files are; ``None``: they were removed."""
    seconds: float
    cpu_seconds: float
    spent: Spent
    """What that time went into, seconds."""
    files: tuple[MadeFile, ...]
    job: Likeness
    """Of all files, and of the plan where the task is the split."""
    before: tuple[Attempt, ...] = ()
    """Attempts at the same task in the last run of the job."""
    reasons: tuple[str, ...] = ()
    """Why the bytes may differ here: another codec build or processor."""


class TaskState(Frozen):
    """A task of a job."""

    task: str
    """Key."""
    state: Literal["done", "failed", "missing"]


class TaskList(Frozen):
    """The tasks of a job, as `run-task` knows them."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    tasks: tuple[TaskState, ...]
