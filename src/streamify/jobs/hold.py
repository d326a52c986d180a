"""DEST belongs to one job at a time. The same job may run there twice; another one is refused.

In a folder the kernel keeps a lock, which ends with the process that holds it, however that ends. In an object store
the claim itself is the lock: its holder counts it up, and one that stands still is taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from streamify.errors import DestinationError
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.storage.base import Storage

BEAT = 5.0
"""Seconds between two signs of life in an object store."""
LEASE = 30.0
"""Seconds without one after which a holder counts as dead."""

IsRunning = Callable[[Claim], bool]
"""Whether the execution that a claim names runs on AWS."""


class Hold(Protocol):
    """DEST is ours as long as this is entered."""

    def beat(self) -> None:
        """Show that we live; to be called every `BEAT` seconds.

        Raises:
            DestinationError: As `check`; or the store cannot be reached, which may pass.
        """

    def check(self) -> None:
        """Make sure that it still is, before something is published or removed.

        Raises:
            DestinationError: ``dest-taken``, another job holds DEST by now.
        """


@contextmanager
def holding(
    dest: Location, media: Storage, claim: Claim, is_running: IsRunning, *, replace: bool = False
) -> Iterator[Hold]:
    """Hold DEST for a job until the end.

    Args:
        dest: Where it is.
        media: Rooted there.
        claim: Ours.
        is_running: Asked of claims whose holder is an execution on AWS.
        replace: What lies in the way of the lock, and is none, may be removed.

    Raises:
        DestinationError: ``dest-busy``, a run of another job holds it; ``state-damaged``, the lock is no file.
    """
    if dest.remote:
        from streamify.jobs.hold_objects import ObjectHold  # obstore is slow to load, and most jobs need none
        from streamify.storage.objects import ObjectStorage

        assert isinstance(media, ObjectStorage)
        with ObjectHold(media, dest, claim, is_running, replace=replace) as lease:
            yield lease
    else:
        from streamify.jobs.hold_folder import FolderHold

        with FolderHold(dest, claim, replace=replace) as lock:
            yield lock


def read_claim(dest: Location, media: Storage, is_running: IsRunning) -> tuple[Claim | None, bool]:
    """Return the claim at DEST, or the last one, and whether its holder lives.

    Raises:
        DestinationError: ``state-damaged`` or ``state-newer``, it cannot be read.
    """
    if dest.remote:
        from streamify.jobs.claim import is_alive, read

        found = read(media)
        return found, found is not None and is_alive(media, found, is_running, wait=False)
    from streamify.jobs.hold_folder import read_lock

    return read_lock(dest)


def busy(dest: Location, held: Claim | None) -> DestinationError:
    """Return the error for a DEST that another job holds."""
    who = f": {describe(held)}" if held is not None else ""
    return DestinationError(
        "dest-busy",
        f"another job, with another source or other settings, runs at {dest}{who}",
        "wait for its end, end it with `streamify cancel`, or name another DEST",
    )


def taken(dest: Location, held: Claim | None) -> DestinationError:
    """Return the error for a run whose DEST another job has taken over."""
    by = describe(held) if held is not None else "nobody that can be read"
    return DestinationError(
        "dest-taken",
        f"{dest} is held by {by} now: this run publishes nothing",
        "look at that job: `streamify status`",
    )


def describe(held: Claim) -> str:
    """Return who holds a DEST, in a few words."""
    return held.execution or (f"process {held.pid} on {held.host}" if held.pid else f"run {held.run}")
