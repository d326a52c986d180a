"""What a replaced stream left for its viewers is removed once nobody plays it any more: a later execution does that."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

from streamify.dest.layout import CLAIM, RETIRED, run_former_claim_key
from streamify.jobs.claim import parse_claim, read, take
from streamify.jobs.retire import overdue, remove_tracks
from streamify.jobs.steps import Run
from streamify.model.base import Frozen
from streamify.model.job import Claim, Retired
from streamify.model.location import Location
from streamify.storage.base import Storage
from streamify.storage.locate import open_storage
from streamify.storage.objects import ObjectStorage
from streamify.storage.saved import read_saved

AGAIN = 60
"""Seconds until a DEST is looked at again at which a job runs."""


class Clean(Frozen):
    """Input of an execution that removes replaced tracks."""

    clean: str
    """DEST."""
    grace: float
    """Seconds for which they stay."""


def clean_request(run: Run, media: Storage, longest: int) -> dict[str, Any] | None:
    """Return the input of the execution that is to clean up after a run; ``None``: there is nothing to do, or too late.

    Args:
        run: That has published.
        media: Rooted at DEST.
        longest: Seconds that an execution may take; 0 for any.
    """
    retired, grace = read_saved(media, RETIRED, Retired, at="DEST"), run.settings.replace_grace
    if retired is None or not retired.tracks or (longest and grace + AGAIN > longest):
        return None
    return Clean(clean=run.places.media.url, grace=grace).model_dump(mode="json")


def is_clean(given: Any) -> bool:
    """Return whether an execution's input is that of `clean_request`."""
    return isinstance(given, dict) and "clean" in given


def clean_up(given: dict[str, Any], execution: str, runs: Callable[[Claim], bool]) -> dict[str, Any]:
    """Remove the replaced tracks whose time is over; return what `split` answers.

    The DEST is held meanwhile, as a job might want such a track back; afterwards its claim is again that of the last
    job, which `status` asks for.

    Args:
        given: As `clean_request` gave it.
        execution: ARN of this one.
        runs: Returns whether the execution of a claim runs.
    """
    asked = Clean.model_validate(given)
    dest = Location.parse(asked.clean)
    media = open_storage(Location("s3", os.environ["MEDIA_BUCKET"], dest.key))
    assert isinstance(media, ObjectStorage)
    job = {"source": "", "dest": asked.clean}
    retired, now = read_saved(media, RETIRED, Retired, at="DEST") or Retired(), time.time()
    due = overdue(retired, now, asked.grace)
    wanted = Claim(job="clean", run=execution.rsplit(":", 1)[-1], engine="aws", execution=execution, started=now)
    if not retired.tracks or not due:
        _give_back(media, wanted.run)  # an earlier call may have been lost after it had removed all
        return _waiting(retired, now, asked.grace, job)
    before = read(media)
    if before is not None and before.run != wanted.run:  # an earlier call that was lost has kept what was before it
        media.put(run_former_claim_key(wanted.run), before.to_json())
    if take(media, wanted, runs).run != wanted.run:
        return {"status": "busy", "wait": AGAIN, "job": job}
    removed = remove_tracks(media, retired, due)
    _give_back(media, wanted.run)
    return _waiting(read_saved(media, RETIRED, Retired, at="DEST") or Retired(), now, asked.grace, job, str(removed))


def _give_back(media: ObjectStorage, run: str) -> None:
    """Make the claim that of the last job again, if this run holds it."""
    data, former = media.get(CLAIM), media.get(run_former_claim_key(run))
    held = parse_claim(data) if data is not None else None
    if data is not None and former is not None and held is not None and held.run == run:
        media.swap(CLAIM, data, former)


def _waiting(retired: Retired, now: float, grace: float, job: dict[str, str], what: str = "") -> dict[str, Any]:
    if not retired.tracks:
        return {"status": "duplicate", "reason": what or "nothing is left of an earlier stream", "job": job}
    wait = max(1, math.ceil(min(retired.tracks.values()) + grace - now))
    return {"status": "busy", "wait": wait, "job": job}
