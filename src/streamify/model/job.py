"""A job as DEST keeps it: what was asked for, who carries it out, and how a run of it ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.base import Frozen
from streamify.model.location import Location
from streamify.model.plan import SCHEMA
from streamify.model.settings import Settings

Outcome = Literal["complete", "failed", "cancelled", "interrupted"]


class JobRecord(Frozen):
    """What was asked for: all that `resume` needs. Never served, and written before the source is split."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    id: str
    """Equal for two requests that mean the same work: see `streamify.jobs.identity.job_identity`."""
    source: Location
    """Where the original is."""
    source_identity: str
    """Of its version: see `streamify.model.source.SourceRef`."""
    dest: Location
    """Where DEST was when the job was asked for; the folder may have been moved since."""
    settings: Settings
    created: float
    """Seconds since the epoch."""


class Claim(Frozen):
    """Who carries a job out at a DEST: the one run that may write there, or the last one that did."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    job: str
    """`JobRecord.id`."""
    run: str
    """Unique among all runs at this DEST; a part of keys."""
    engine: str
    """As in ``--engine``."""
    execution: str | None = None
    """On AWS: ARN of the execution."""
    host: str = ""
    """Name of the machine; empty on AWS."""
    pid: int = 0
    """Of the process on that machine."""
    started: float = 0.0
    """Seconds since the epoch."""
    beat: int = 0
    """Counts up as long as the holder lives, where only the claim itself can tell."""
    ended: float | None = None
    """When the holder gave DEST up, seconds since the epoch; AWS is asked instead."""


class RunRecord(Frozen):
    """One run of a job: what it found, and how it ended."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    id: str
    engine: str
    started: float
    """Seconds since the epoch."""
    workers: int = 0
    """Segments that were transcoded at the same moment at most."""
    capacity: int = 0
    """Tasks that ran at the same moment at most; 0: not known, as on AWS."""
    total: int = 0
    """Segments x tracks of the stream."""
    reused: int = 0
    """Of them, how many were there when the run began its tasks."""
    reused_share: float = 0.0
    """Their share of the job's CPU time, 0 to 1."""
    began_tasks: float | None = None
    """When the first task was handed out, seconds since the epoch."""
    ended: float | None = None
    """Seconds since the epoch; ``None`` while it runs, and where its process was lost."""
    outcome: Outcome | None = None
    error: str | None = None
    """Why it failed, one line."""


class CancelRequest(Frozen):
    """Asks every run at a DEST to stop in order. A run heeds those that are written after its own start."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    token: str
    """Unique."""
    requested: float
    """Seconds since the epoch."""


class GrowingState(Frozen):
    """What the manifests at DEST announce while a stream is made; written before each version of them."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    tracks: tuple[str, ...]
    """Ids."""
    folders: tuple[str, ...]
    """Of these tracks."""
    segments: int
    """Of each of them."""
    since: float
    """When the first version was published, seconds since the epoch."""


class Retired(Frozen):
    """Tracks that a later stream at this DEST replaced, and since when; viewers may still play them."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    tracks: dict[str, float] = Field(default_factory=dict)
    """Seconds since the epoch, by the id of the track."""
