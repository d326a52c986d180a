"""Which execution carries a job out: EventBridge delivers at least once, and users upload twice."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from streamify.backends.aws.events import Request
from streamify.dest.layout import CLAIM
from streamify.errors import DestinationError
from streamify.model.base import Frozen
from streamify.storage.base import ConflictError, Storage
from streamify.storage.objects import ObjectStorage


class Claim(Frozen):
    """Held by one execution at a DEST."""

    execution: str
    """ARN."""
    job: str
    """See `streamify.backends.aws.events.job_identity`."""
    request: Request | None = None
    """What was asked for: all that `resume` needs."""


def read(media: Storage) -> Claim | None:
    """Return the claim at a DEST, or ``None`` where there is none that can be read: no job of AWS was here."""
    data = media.get(CLAIM)
    try:
        return Claim.from_json(data) if data is not None else None
    except ValidationError:
        return None


def check(media: Storage, run: str) -> None:
    """Raise unless the execution whose ARN ends in `run` holds the DEST.

    To stop an execution does not stop a function of it that runs: another job may have begun and ended meanwhile.

    Raises:
        DestinationError: ``dest-taken``.
    """
    held = read(media)
    if held is None or held.execution.rsplit(":", 1)[-1] != run:
        by = held.execution if held is not None else "nobody that can be read"
        raise DestinationError(
            "dest-taken",
            f"the DEST is held by {by} now, this job was ended: nothing of it is published",
            "look at that job: streamify status DEST",
        )


def take(media: ObjectStorage, wanted: Claim, is_running: Callable[[str], bool]) -> Claim:
    """Return the claim that holds after this call: `wanted` where it was won, else that of somebody who still runs.

    A claim whose execution has ended is taken over; of two that try it, one wins.

    Args:
        media: Rooted at DEST.
        wanted: Ours.
        is_running: Whether the execution of that ARN still runs.
    """
    while True:
        try:
            media.put_new(CLAIM, wanted.to_json())
        except ConflictError:
            found = media.get(CLAIM)
        else:
            return wanted
        if found is None:
            continue  # it was given up at this moment
        try:
            held = Claim.from_json(found)
        except ValidationError:
            held = None  # of another version
        if held is not None and (held.execution == wanted.execution or is_running(held.execution)):
            return held
        if media.swap(CLAIM, found, wanted.to_json()):
            return wanted
