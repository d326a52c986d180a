"""Ends a job of this or another machine: asks its run, by a request at DEST, and waits until it has ended."""

from __future__ import annotations

import time

from streamify.errors import DestinationError
from streamify.jobs.cancel_request import request_cancel
from streamify.jobs.hold import read_claim
from streamify.jobs.hold_base import IsRunning, describe
from streamify.jobs.record import read_run
from streamify.jobs.status import job_status
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.model.status import Cancelled
from streamify.storage.base import Storage

PATIENCE = 60.0
"""Seconds that a run may take to end."""
PAUSE = 0.2


def cancel_here(dest: Location, media: Storage, is_running: IsRunning) -> Cancelled:
    """End the job at DEST. See `Backend.cancel`."""
    held, alive = read_claim(dest, media, is_running)
    if held is None or not alive:
        status = job_status(dest, media, is_running)  # raises where there is no job at all
        return Cancelled(dest=str(dest), run=held.run if held is not None else "", cancelled=False, status=status.state)
    request_cancel(media)
    deadline = time.monotonic() + PATIENCE
    while _same_run_lives(held, dest, media, is_running):
        if time.monotonic() > deadline:
            raise DestinationError(
                "cancel-slow",
                f"the job at {dest} ({describe(held)}) was asked to stop and still runs after {PATIENCE:g} s",
                "it stops as soon as it can; or end its process",
            )
        time.sleep(PAUSE)
    run = read_run(media, held.run)
    outcome = run.outcome if run is not None and run.outcome is not None else "interrupted"
    return Cancelled(dest=str(dest), run=held.run, cancelled=outcome != "complete", status=outcome)


def _same_run_lives(held: Claim, dest: Location, media: Storage, is_running: IsRunning) -> bool:
    now, alive = read_claim(dest, media, is_running)
    return alive and now is not None and now.job == held.job
