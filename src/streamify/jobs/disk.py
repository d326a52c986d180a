"""Whether the stream fits on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamify.errors import DestinationError
from streamify.jobs.tell import Tell
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.text import size
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
    likely, most = (int(count * share) for count in (likely_bytes(plan), plan.estimate.media_bytes))
    if free >= most:
        return
    needed = f"the stream is likely to take {size(likely)}, at most {size(most)}"
    what = f"DEST {dest}: {needed}, and {size(free)} are free"
    if refuse and free < likely:
        raise _too_small(what)
    tell("note", what, {"likely_bytes": likely, "most_bytes": most, "free_bytes": free})


@contextmanager
def planning(media: Storage, dest: Location, *, refuse: bool) -> Iterator[None]:
    """Turn a disk that fills up as the plan is written, before its stream can be weighed, into ``disk-too-small``."""
    try:
        yield
    except DestinationError as error:
        if not refuse or error.code != "disk-full":
            raise
        free = media.free_bytes() or 0
        what = f"DEST {dest}: not even the plan of the stream fits, and {size(free)} are free"
        raise _too_small(what) from error


def _too_small(what: str) -> DestinationError:
    hint = "free space, name a DEST on another disk, choose a smaller ladder, or try all the same: --no-disk-check"
    return DestinationError("disk-too-small", what, hint)
