"""Which job starts next. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streamify.model.upload import Accepted

BYTES_A_SECOND = 1_000_000.0
"""Bytes of an upload that let it wait for a second longer."""


def turn_of(upload: Accepted) -> float:
    """Return the turn of a job, seconds: when it came, and later by the time that its size stands for."""
    return upload.accepted + upload.size / BYTES_A_SECOND


def next_job(waiting: Iterable[Accepted], busy: frozenset[str]) -> Accepted | None:
    """Return the job that starts next: the small before the long, but nobody waits for ever.

    A job counts as if it had come later by the time that its size stands for (`turn_of`). So a short clip passes a long
    film, and a film of 10 GB is passed only by what comes within three hours after it. Of jobs that run, the tasks go
    by the same rule.

    Args:
        waiting: Jobs that could start.
        busy: Keys of uploads that have a job running: their DEST is not free.
    """
    free = [one for one in waiting if one.key not in busy]
    return min(free, key=lambda one: (turn_of(one), one.id), default=None)
