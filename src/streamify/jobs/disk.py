"""Whether the stream fits on the disk."""

from __future__ import annotations

from streamify.errors import DestinationError
from streamify.jobs.tell import Tell
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.planning.estimate import likely_bytes
from streamify.storage.base import Storage


def check_disk(plan: Plan, media: Storage, dest: Location, done: int, tell: Tell, *, refuse: bool) -> None:
    """Refuse a job that is likely to fill the disk; warn of one that may, if its pictures are hard to encode.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        dest: For messages.
        done: Segments x tracks that exist.
        tell: Receives the warning.
        refuse: Whether to refuse at all; else only to warn.

    Raises:
        DestinationError: ``disk-too-small``.
    """
    free = media.free_bytes()
    if free is None:
        return
    share = 1 - done / max(1, plan.segments * len(plan.tracks))
    likely, most = (int(size * share) for size in (likely_bytes(plan), plan.estimate.media_bytes))
    if free >= most:
        return
    what = f"DEST {dest}: the stream is likely to take {_mb(likely)}, at most {_mb(most)}, and {_mb(free)} are free"
    if refuse and free < likely:
        raise DestinationError(
            "disk-too-small",
            what,
            "free space, name a DEST on another disk, choose a smaller ladder, or try all the same: --no-disk-check",
        )
    tell("note", what, {"likely_bytes": likely, "most_bytes": most, "free_bytes": free})


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
