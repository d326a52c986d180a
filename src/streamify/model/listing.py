"""The jobs below MEDIA, as `jobs` lists them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA

ListedState = Literal["running", "waiting", "failed", "interrupted", "cancelled", "complete", "unreadable"]


class ListedJob(Frozen):
    """A job below MEDIA, in one line."""

    name: str
    """Of its DEST below MEDIA, such as ``a/film.mp4``; ``.`` where MEDIA is a DEST itself."""
    dest: str
    state: ListedState
    """``waiting``: `watch` accepted its upload, and no run of its job goes on; ``unreadable``: what is there cannot be
    read, and `message` says why."""
    share: float = 0.0
    """Of its CPU time, what is done; 0 to 1."""
    seconds_left: float | None = None
    """Until the end; ``None`` where it is not known."""
    source: str | None = None
    since: float | None = None
    """When the state began, seconds since the epoch; ``None`` where nothing tells."""
    code: str | None = None
    """Why it failed, or cannot be read: a heading of ``docs/reference/errors.md``."""
    message: str | None = None
    """The same, one line."""
    retry: str | None = None
    """How to try again an upload that failed."""


class JobList(Frozen):
    """The jobs below a MEDIA."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    media: str
    jobs: tuple[ListedJob, ...] = ()
    faults: tuple[str, ...] = ()
    """Records of uploads that cannot be read, and why."""
