"""The job at a DEST, which another process may carry out, as what lies there shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from textwrap import shorten
from typing import Any, BinaryIO

from streamify.dest.layout import LEDGER, PLAN, REPORT, ledger_track, run_attempts, segment_index
from streamify.errors import StreamifyError
from streamify.jobs.cost import count_by_track, seconds_left, share_done
from streamify.jobs.early_images import MadeImages
from streamify.jobs.hold import read_claim
from streamify.jobs.hold_base import IsRunning
from streamify.jobs.live import with_record
from streamify.jobs.progress import JobProgress, State
from streamify.jobs.record import read_job, read_run
from streamify.jobs.segments import borders
from streamify.model.attempt import Attempt
from streamify.model.job import Claim, RunRecord
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved
from streamify.tasks.plan_file import read_plan

PART = 20
"""A look is followed by a pause of so many times its length: it costs a twentieth of a core, however long the film."""
LONGEST = 400
"""Characters of the reason for a failure: the record of a run lists every task."""


class FoundJob:
    """Follows a job by looking at its DEST while somebody wants to know.

    Args:
        dest: Of the job.
        media: Rooted there.
        is_running: Asked of claims whose holder is an execution on AWS.
    """

    def __init__(self, dest: Location, media: Storage, is_running: IsRunning) -> None:
        self._dest, self._media, self._is_running = dest, media, is_running
        self._progress = JobProgress()
        self._plan: Plan | None = None
        self._images: MadeImages | None = None
        self._version, self._planned = "", 0.0  # of the plan, and when it was written
        self._run = ""  # whose attempts were read
        self._read: dict[str, int] = {}  # bytes of each file of attempts
        self._done: set[tuple[str, int]] = set()
        self._next = 0.0
        self._over = self._reported = False

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return all that there is to know of the job; see `JobProgress`. Blocks."""
        self.look()
        return self._progress.snapshot(now) | {"report": self._reported}

    def changes(self, now: float) -> dict[str, Any] | None:
        """Return what changed since the last call; see `JobProgress`."""
        changes = self._progress.changes(now)
        return changes | {"report": self._reported} if changes is not None else None

    def detail(self, track: str, segment: int) -> dict[str, Any] | None:
        """Return what is known of a segment; ``None``: there is none. Blocks."""
        return with_record(self._progress.detail(track, segment), self._media)

    def look(self) -> None:
        """Look at DEST, unless the last look was just now. Blocks."""
        began = time.monotonic()
        if self._over or began < self._next:
            return
        with suppress(StreamifyError):  # what cannot be read now is looked at again
            self._look()
        self._next = time.monotonic() + PART * (time.monotonic() - began)

    def _look(self) -> None:
        held, alive = read_claim(self._dest, self._media, self._is_running)
        self._reported = not alive and self._media.stat(REPORT) is not None
        if not alive and self._plan is None and (self._reported or held is None):
            self._end("complete", None)  # a finished stream, ours or not: how it was made is not shown
            return
        run = read_run(self._media, held.run) if held is not None else None
        self._look_for_plan(held.job if held is not None and alive else None)
        if held is not None:
            for attempt in self._attempts(held.run):
                self._progress.take(attempt)
        if self._plan is not None:
            self._look_for_segments(self._plan)
            self._look_for_images()
            self._figure(self._plan, held, run, self._planned)
        if alive:
            self._progress.enter("making" if self._plan is not None else "planning")
        elif self._reported:
            self._end("complete", None)
        else:
            error = run.error if run is not None else None
            self._end("failed", shorten(error, LONGEST) if error else "it was interrupted; resume it")

    def _end(self, state: State, error: str | None) -> None:
        self._over = True
        self._progress.enter(state, error)

    def _look_for_plan(self, running: str | None) -> None:
        """Take the plan at DEST, unless it is of an earlier job than the one that runs."""
        found = self._media.stat(PLAN)
        if found is None or found.version == self._version:
            return
        plan, job = read_plan(self._media), read_job(self._media)
        asked = (job.source_identity, job.settings.media()) if job is not None else None
        if plan is None or asked not in (None, (plan.source.ref.identity, plan.settings)):
            return
        if job is not None and running not in (None, job.id):
            return
        self._plan, self._version, self._done = plan, found.version, self._ledger(plan)
        self._planned, self._images = found.modified, MadeImages(plan, self._media)
        self._progress.planned(plan, borders(plan, self._media), self._done)

    def _look_for_segments(self, plan: Plan) -> None:
        for track, segment in self._ledger(plan) - self._done:
            self._done.add((track, segment))
            self._progress.found(track, segment, time.time())

    def _look_for_images(self) -> None:
        if self._images is not None and self._images.look():
            self._progress.imaged(self._images.told())

    def _ledger(self, plan: Plan) -> set[tuple[str, int]]:
        tracks = {track.id for track in plan.tracks}
        entries = (
            (ledger_track(entry.key), segment_index(entry.key.removesuffix(".json") + ".m4s"))
            for entry in self._media.list(LEDGER)
        )
        return {
            (track, segment)
            for track, segment in entries
            if track in tracks and segment is not None and segment < plan.segments
        }

    def _attempts(self, run: str) -> Iterator[Attempt]:
        """Yield the attempts that were written since the last look."""
        if run != self._run:
            self._run = run
            self._read.clear()
        for entry in sorted(self._media.list(run_attempts(run))):
            before = self._read.get(entry.key, 0)
            if entry.size <= before:
                continue
            with self._media.open(entry.key) as file:
                file.seek(before)
                for line in _lines(file):
                    self._read[entry.key] = self._read.get(entry.key, 0) + len(line)
                    attempt = parse_saved(Attempt, line, entry.key)
                    if attempt is not None:
                        yield attempt

    def _figure(self, plan: Plan, held: Claim | None, run: RunRecord | None, planned: float) -> None:
        times = {"started": held.started if held is not None else planned, "planned": planned}
        if run is not None and run.ended is not None:
            times["ended"] = run.ended
        share = share_done(plan, count_by_track(self._done))
        speed = left = None
        if run is not None and run.began_tasks is not None:
            elapsed = time.time() - run.began_tasks
            left = seconds_left(share, run.reused_share, elapsed)
            length = plan.timeline.end / plan.timeline.timescale
            speed = length * (share - run.reused_share) / elapsed if left is not None else None
        figures = {
            "share": round(share, 4),
            "seconds_left": round(left, 1) if left is not None else None,
            "speed": round(speed, 2) if speed is not None else None,
            "workers": (run.capacity or run.workers) if run is not None else 0,
        }
        self._progress.figure(plan.source.ref.key.rpartition("/")[2], times, figures)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines that are whole."""
    while (line := file.readline()).endswith(b"\n"):
        yield line
