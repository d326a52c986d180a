"""While a job runs here: shows that it lives, and heeds a request to cancel it that lies at DEST."""

from __future__ import annotations

import secrets
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamify.dest.layout import CANCEL
from streamify.errors import CANCELLED_EXIT, Interrupted, JobCancelled, StreamifyError
from streamify.jobs.engine import Stop
from streamify.jobs.hold_base import BEAT, Hold
from streamify.model.job import CancelRequest
from streamify.model.location import Location
from streamify.storage.base import Storage


def request_cancel(media: Storage) -> None:
    """Ask every run at a DEST to stop."""
    media.put(CANCEL, CancelRequest(token=secrets.token_hex(8), requested=time.time()).to_json())


def pending(media: Storage) -> bytes | None:
    """Return the request that is at DEST; any other one than at the start of a run is meant for it."""
    return media.get(CANCEL)


class CancelWatch:
    """Ends a run from outside.

    Args:
        dest: Of the job.
        media: Rooted there.
        hold: Of this run.
        stop: Set when the run is to end.
        before: What `pending` was when the run began.
    """

    def __init__(self, dest: Location, media: Storage, hold: Hold, stop: Stop, before: bytes | None) -> None:
        self._dest, self._media, self._hold, self._stop = dest, media, hold, stop
        self._pause = 2.0 if dest.remote else 0.5
        self._before = before
        self._end = threading.Event()
        self._last_beat = time.monotonic()
        self.cause: StreamifyError | None = None
        """Why the run was stopped, where it was by this."""

    def run(self) -> None:
        """Look until `close`."""
        while not self._end.wait(self._pause):
            try:
                self._look()
            except StreamifyError as error:
                if error.code == "dest-taken":
                    self._halt(error)

    def close(self) -> None:
        """End `run` soon."""
        self._end.set()

    def _look(self) -> None:
        if time.monotonic() - self._last_beat >= BEAT:
            self._hold.beat()
            self._last_beat = time.monotonic()
        if pending(self._media) != self._before:
            self._halt(JobCancelled(shlex.quote(str(self._dest))))

    def _halt(self, cause: StreamifyError) -> None:
        self.cause = self.cause or cause
        self._stop.exit_code = CANCELLED_EXIT
        self._stop.set()


@contextmanager
def watched(dest: Location, media: Storage, hold: Hold, stop: Stop, before: bytes | None) -> Iterator[None]:
    """Let a run be ended from outside.

    Raises:
        JobCancelled: It was cancelled.
        DestinationError: ``dest-taken``.
    """
    watch = CancelWatch(dest, media, hold, stop, before)
    thread = threading.Thread(target=watch.run, name="streamify-watch", daemon=True)
    thread.start()
    try:
        yield
    except Interrupted as error:
        if watch.cause is None:
            raise
        raise watch.cause from error
    finally:
        watch.close()
        thread.join(timeout=5)
