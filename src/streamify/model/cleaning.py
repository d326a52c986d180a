"""What can be removed at a DEST, or was."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.model.base import Frozen
from streamify.model.plan import SCHEMA

Kind = Literal["temporary", "orphan", "replaced", "runs", "state", "cache"]
"""``temporary``: what writes that were cut off left; ``orphan``: of tracks that no plan and no manifest names;
``replaced``: of tracks that a later stream replaced, whose grace is over; ``runs``: records of earlier runs of a
finished job; ``state``: all that a finished job keeps, where that was asked for; ``cache``: a stream in the cache of
`play`."""


class Removable(Frozen):
    """An object, or a stream in the cache."""

    key: str
    """Below DEST; of a stream in the cache its folder."""
    size: int
    """Bytes."""
    kind: Kind


class Cleaning(Frozen):
    """What can be removed, or was."""

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    dest: str
    """Of the job, or the cache."""
    removed: bool
    """Whether it was removed; else it was only looked for."""
    items: tuple[Removable, ...]
    kept: tuple[str, ...] = ()
    """What stays although it could be thought to go, and why; one line each."""

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return sum(item.size for item in self.items)
