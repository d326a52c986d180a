"""DEST belongs to one job at a time. The same job may run there twice; another one is refused.

In a folder the kernel keeps a lock, which ends with the process that holds it, however that ends. In an object store
the claim itself is the lock: its holder counts it up, and one that stands still is taken over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamify.jobs.hold_base import Hold, IsRunning
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.storage.base import Storage


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
