"""The loop of `watch`: what arrives is accepted, started as there is room, and recorded when it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from streamify.errors import Interrupted, StreamifyError
from streamify.jobs.engine import Stop
from streamify.jobs.uploads import UploadRecords
from streamify.model.backoff import Backoff
from streamify.model.event import Event, EventKind
from streamify.model.location import Location
from streamify.model.upload import Accepted, Ended
from streamify.settings.read import Effective
from streamify.watch.arrivals import Arrivals
from streamify.watch.asked import accepted, check_names, settings_of
from streamify.watch.attempt import Attempt, CarryOut, is_about_source, may_pass
from streamify.watch.order import next_job
from streamify.watch.uploads import Seen, Uploads
from streamify.watch.verdict import complete, failed, gone, replaced

TICK = 0.25
"""Seconds between two looks at what waits."""
PAUSE = Backoff(first=5.0, factor=2.0, longest=600.0)
"""Before a job is tried again whose failure may pass."""
TRIES = 12
"""Of such a job, about an hour; one whose DEST is busy waits as long as it takes."""
GONE, GONE_WITH_ALL = 5.0, 600.0
"""Seconds for which the source of a job may be gone before it counts as deleted; and where UPLOADS is empty, which may
be a disk that is not mounted."""


class Hooks(Protocol):
    """Calls others when an upload is over."""

    def add(self, ended: Ended) -> None:
        """Keep what is to be told, so that it is told even after a crash; return without waiting for anybody."""


Tell = Callable[[Event], None]
Look = Callable[[Accepted], bool]
"""Looks at what lies at the DEST of an upload."""


@dataclass
class _Waiting:
    upload: Accepted
    recovered: bool = False
    tries: int = 0
    not_before: float = 0.0
    gone_since: float | None = None


class Watcher:
    """Turns uploads into jobs.

    Args:
        uploads: Where they arrive.
        arrivals: Gives out those that have settled.
        records: What was decided before.
        media: Below which DESTs are.
        base: Settings of jobs without a sidecar.
        carry_out: Runs a job.
        is_made: Whether the stream of an upload is complete.
        is_resumable: Whether the job of this version of an upload is at its DEST.
        hooks: Told how each upload ended.
        tell: Takes events, from any thread.
        at_once: Jobs that may run at the same moment.
        stop: Ends the loop; running jobs are stopped in order.
        wake: Ends the wait of the loop.
    """

    def __init__(
        self,
        uploads: Uploads,
        arrivals: Arrivals,
        records: UploadRecords,
        media: Location,
        base: Effective,
        *,
        carry_out: CarryOut,
        is_made: Look,
        is_resumable: Look,
        hooks: Hooks,
        tell: Tell,
        at_once: int,
        stop: Stop,
        wake: threading.Event,
    ) -> None:
        self._uploads, self._arrivals, self._records = uploads, arrivals, records
        self._media, self._base = media, base
        self._carry_out, self._hooks, self._tell_event = carry_out, hooks, tell
        self._is_made, self._is_resumable = is_made, is_resumable
        self._at_once, self._stop, self._wake = at_once, stop, wake
        self._waiting: dict[str, _Waiting] = {}
        self._running: dict[str, tuple[_Waiting, Attempt]] = {}
        self._once = False
        self.ended: list[Ended] = []
        """What became of the uploads of a run that ends with them; one that goes on keeps nothing in memory."""

    @property
    def left(self) -> list[str]:
        """Keys of uploads that are not over, whether or not they have settled."""
        jobs = (*self._waiting.values(), *(waiting for waiting, _ in self._running.values()))
        return sorted({*self._arrivals.waiting, *(one.upload.key for one in jobs)})

    def run(self, *, once: bool, check: Callable[[], None]) -> None:
        """Work until `stop` is set; with `once`, until everything that is there is over.

        Args:
            once: See above. What does not settle, and what has to be tried later, is left.
            check: Called often; what it raises ends the loop.

        Raises:
            Interrupted: `stop` was set; the same goes on where this ended.
        """
        self._once = once
        self._recover()
        began = time.monotonic()
        try:
            while not self._stop.is_set():
                check()
                for seen in self._arrivals.settled():
                    self._accept(seen)
                self._reap()
                self._start()
                if once and self._is_over(time.monotonic() - began):
                    return
                self._wake.wait(TICK)
                self._wake.clear()
            raise Interrupted(self._stop.exit_code)
        finally:
            for _, attempt in self._running.values():
                attempt.stop.exit_code = self._stop.exit_code
                attempt.stop.set()
            for _, attempt in self._running.values():
                attempt.join()
            self._reap()

    def _recover(self) -> None:
        unfinished, faults = self._records.unfinished()
        for upload in unfinished:
            self._waiting[upload.id] = _Waiting(upload, recovered=True)
        for fault in faults:
            self._say("note", fault)

    def _is_over(self, elapsed: float) -> bool:
        """Return whether nothing is left to be done now."""
        later = all(one.not_before > time.monotonic() for one in self._waiting.values())
        still = not self._arrivals.waiting or elapsed > 3 * self._arrivals.quiet + 5
        return self._arrivals.looked and not self._running and later and still

    def _accept(self, seen: Seen) -> None:
        upload = accepted(seen, self._uploads.location, self._media, self._base.settings)
        try:
            check_names(seen, upload)
            settings = settings_of(seen, self._uploads, self._base)
        except StreamifyError as error:
            if may_pass(error) or error.code == "source-missing":
                return  # it is looked at again
            self._end(failed(upload, None, error))
            return
        upload = accepted(seen, self._uploads.location, self._media, settings)
        self._records.accept(upload)
        self._waiting[upload.id] = _Waiting(upload)
        self._say("upload.accepted", f"{seen.size} bytes", upload, size=seen.size, sidecar=seen.sidecar)
        for waiting, attempt in self._running.values():
            if waiting.upload.key == seen.key:
                attempt.replaced = True
                attempt.stop.set()

    def _start(self) -> None:
        now = time.monotonic()
        while len(self._running) < self._at_once:
            busy = frozenset(waiting.upload.key for waiting, _ in self._running.values())
            ready = [one.upload for one in self._waiting.values() if one.not_before <= now]
            upload = next_job(ready, busy)
            if upload is None:
                return
            self._try(self._waiting[upload.id], now)

    def _try(self, waiting: _Waiting, now: float) -> None:
        """Start a job if its upload is still what it was."""
        upload = waiting.upload
        try:
            there = self._arrivals.current(upload.key)
        except StreamifyError:
            waiting.not_before = now + PAUSE.first
            return
        if there is None and self._is_patient(waiting, now):
            waiting.not_before = now + 1
            return
        del self._waiting[upload.id]
        if there is None:
            self._end(failed(upload, None, gone(upload)))
        elif there.version != upload.version:
            self._end(failed(upload, None, replaced(upload)))
        elif waiting.recovered and self._is_made(upload):
            self._end(complete(upload, None))
        else:
            waiting.gone_since, waiting.recovered = None, False
            waiting.tries += 1
            settings = self._base.settings.model_copy(update=dict(upload.settings))
            attempt = Attempt(
                upload, lambda stop: self._carry_out(upload, settings, self._teller(upload), stop), self._wake.set
            )
            self._running[upload.id] = waiting, attempt

    def _is_patient(self, waiting: _Waiting, now: float) -> bool:
        """Return whether an upload that is gone may come back."""
        if waiting.gone_since is None:
            waiting.gone_since = now
        try:
            empty = next(iter(self._uploads.below()), None) is None
        except StreamifyError:
            empty = True
        return now - waiting.gone_since < (GONE_WITH_ALL if empty else GONE)

    def _reap(self) -> None:
        for waiting, attempt in [pair for pair in self._running.values() if pair[1].done]:
            attempt.join()
            upload, error = waiting.upload, attempt.error
            del self._running[upload.id]
            if error is None:
                self._end(complete(upload, attempt.started))
            elif attempt.replaced:
                self._end(failed(upload, attempt.started, replaced(upload)))
            elif attempt.interrupted or self._later(waiting, error):
                self._waiting[upload.id] = waiting
            else:
                self._end(failed(upload, attempt.started, error, resumable=self._is_resumable(upload)))

    def _later(self, waiting: _Waiting, error: BaseException) -> bool:
        """Return whether a job that failed is tried again, and note when."""
        if is_about_source(error) and waiting.tries < 3:
            waiting.not_before = time.monotonic()  # whether it is gone, or another one, is seen then
            return True
        code = error.code if isinstance(error, StreamifyError) else ""
        if not may_pass(error) or (waiting.tries >= TRIES and code != "dest-busy"):
            return False
        delay = PAUSE.pause(min(waiting.tries, TRIES))
        waiting.not_before = time.monotonic() + delay
        self._say("note", f"tried again in {delay:.0f} s: {error} [{code}]", waiting.upload)
        return True

    def _end(self, record: Ended) -> None:
        self._hooks.add(record)  # first: a crash in between tells twice rather than never
        self._records.end(record)
        if self._once:
            self.ended.append(record)
        self._say("upload.ended", "", record, ended=record.model_dump(mode="json", by_alias=True))

    def _teller(self, upload: Accepted) -> Tell:
        dest = str(upload.dest)
        return lambda event: self._tell_event(event.model_copy(update={"job": dest}))

    def _say(self, kind: EventKind, message: str, about: Accepted | Ended | None = None, **data: Any) -> None:
        more = {"upload": about.key, **data} if about is not None else data
        job = str(about.dest) if about is not None else None
        self._tell_event(Event(time=time.time(), kind=kind, message=message, job=job, data=more))
