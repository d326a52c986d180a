"""The claim of an object store: which run carries a job out there, won by conditional put."""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import ValidationError

from streamify.dest.layout import CLAIM
from streamify.jobs.hold_base import LEASE, IsRunning
from streamify.machine.host import process_lives, this_host
from streamify.model.base import Frozen
from streamify.model.job import Claim
from streamify.storage.base import ConflictError, Storage
from streamify.storage.objects import ObjectStorage
from streamify.storage.saved import parse_saved

LOOK = 1.0
"""Seconds between two looks at a claim that may stand still."""
LONG_AGO = 300.0
"""Seconds after which no difference of clocks explains that a claim was not counted up."""


def read(media: Storage) -> Claim | None:
    """Return the claim at a DEST, or ``None`` where there is none that can be read.

    Raises:
        DestinationError: ``state-newer``.
    """
    data = media.get(CLAIM)
    return parse_claim(data) if data is not None else None


def parse_claim(data: bytes, *, newer: Literal["refuse", "ignore"] = "refuse") -> Claim | None:
    """Return a claim of this version or the one before; ``None``: it is neither.

    Raises:
        DestinationError: ``state-newer``.
    """
    found = parse_saved(Claim, data, CLAIM, newer=newer)
    if found is not None:
        return found
    try:
        old = _Earlier.from_json(data)
    except ValidationError:
        return None
    return Claim(job=old.job, run=old.execution.rsplit(":", 1)[-1], engine="aws", execution=old.execution)


def earlier_request(media: Storage) -> dict[str, Any] | None:
    """Return the request that a claim of the version before held, in place of `streamify.model.job.JobRecord`."""
    try:
        return _Earlier.from_json(media.get(CLAIM) or b"").request
    except ValidationError:
        return None


class _Earlier(Frozen):
    """A claim as it was written before it had a schema: of executions on AWS alone."""

    execution: str
    job: str
    request: dict[str, Any] | None = None


def take(
    media: ObjectStorage, wanted: Claim, is_running: IsRunning, *, join: bool = False, replace: bool = False
) -> Claim:
    """Return the claim that holds after this call: `wanted` where it was won, else that of another run that lives.

    The claim of a run that has ended is taken over; of two that try it, one wins.

    Args:
        media: Rooted at DEST.
        wanted: Ours.
        is_running: Asked of claims whose holder is an execution on AWS.
        replace: A claim of a newer Streamify is taken over once it stands still; else it is an error.
        join: A run of the same job is not waited for, whether it lives or not: two of them are harmless. Where it is
            known to be dead, its claim is taken over.
    """
    while True:
        try:
            media.put_new(CLAIM, wanted.to_json())
        except ConflictError:
            found = media.get(CLAIM)
        else:
            return wanted
        if found is None:
            continue  # it was removed at this moment
        held = parse_claim(found, newer="ignore" if replace else "refuse")
        if held is None and not _stands_still(media, found):
            continue  # somebody whose claim we cannot read lives
        if held is not None and held.run == wanted.run:
            return held
        if held is not None and (
            (join and held.job == wanted.job and held.ended is None and not _is_dead(held))
            or is_alive(media, held, is_running)
        ):
            return held
        if media.swap(CLAIM, found, wanted.to_json()):
            return wanted


def is_alive(media: Storage, held: Claim, is_running: IsRunning, *, wait: bool = True) -> bool:
    """Return whether the holder of a claim lives.

    Args:
        media: Rooted at DEST.
        held: The claim.
        is_running: Asked of claims whose holder is an execution on AWS.
        wait: Wait until the holder shows a sign of life, at most `LEASE` seconds; else go by the clocks, which may
            differ: enough to show, not to take DEST over.
    """
    if held.ended is not None:
        return False
    if held.execution is not None:
        return is_running(held)
    if _is_dead(held):
        return False
    stat = media.stat(CLAIM)
    if stat is None or abs(time.time() - stat.modified) > (LONG_AGO if wait else 2 * LEASE):
        return False
    if not wait:
        return True
    return not _stands_still(media, held.to_json())


def _is_dead(held: Claim) -> bool:
    """Return whether a holder is known not to live: it was a process of this machine."""
    return held.execution is None and held.host == this_host() and not process_lives(held.pid)


def _stands_still(media: Storage, claim: bytes) -> bool:
    """Return whether a claim stays as it is for `LEASE` seconds, or is given up."""
    deadline = time.monotonic() + LEASE
    while time.monotonic() < deadline:
        time.sleep(LOOK)
        data = media.get(CLAIM)
        found = parse_claim(data, newer="ignore") if data is not None else None
        if data is None or (found is not None and found.ended is not None):
            return True
        if data != claim:
            return False
    return True
