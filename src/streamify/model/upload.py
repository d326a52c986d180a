"""What MEDIA keeps of an upload that `watch` saw: that its job was decided on, and how it ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.base import Frozen
from streamify.model.location import Location
from streamify.model.plan import SCHEMA
from streamify.model.settings import MediaSettings

Ending = Literal["complete", "failed", "cancelled"]


class Accepted(Frozen):
    """An upload whose job was decided on. Written once, before the job starts, and never changed."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    id: str
    """Names this version of this upload."""
    key: str
    """Below UPLOADS."""
    size: int
    """Bytes."""
    version: str
    source: Location
    dest: Location
    settings: MediaSettings
    """Those of the command with those of the sidecar over them."""
    sidecar: bool = False
    """Whether there was one."""
    accepted: float
    """Seconds since the epoch."""


class Ended(Frozen):
    """What became of a version of an upload. Written once; it is never looked at again."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    id: str
    key: str
    """Below UPLOADS."""
    size: int
    """Bytes."""
    source: str
    """Path or URL."""
    dest: str
    """Path or URL."""
    outcome: Ending
    accepted: float
    """Seconds since the epoch."""
    started: float | None = None
    """When its job last started, seconds since the epoch; ``None``: it never did."""
    ended: float
    """Seconds since the epoch."""
    code: str | None = None
    """Why it failed: a heading of ``docs/reference/errors.md``."""
    message: str = ""
    """Why it failed, one line."""
    hint: str = ""
    """How to mend it."""
    retry: str = ""
    """How to try it again."""


class Delivery(Frozen):
    """A call of a hook that was not confirmed yet."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    id: str
    """The same for every try."""
    target: str
    """SHA-256 of what the user named as target, hex: the text itself may hold a secret."""
    kind: Literal["job.done", "job.failed"]
    body: str
    """JSON."""
    created: float
    """Seconds since the epoch."""
    error: str = ""
    """Why it was given up."""
