"""One try at the job of an upload, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from streamify.errors import DestinationError, Interrupted, JobCancelled, StreamifyError
from streamify.executors.base import OnEvent
from streamify.jobs.engine import Stop
from streamify.jobs.failures import GONE
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.model.upload import Accepted
from streamify.storage.base import is_out_of_reach

CarryOut = Callable[[Accepted, Settings, OnEvent, Stop], Report]


class Attempt:
    """Runs a job; `done` once it has ended.

    Args:
        upload: Whose job it is.
        run: Carries it out.
        wake: Called when it has ended.
    """

    def __init__(self, upload: Accepted, run: Callable[[Stop], Report], wake: Callable[[], None]) -> None:
        self.upload, self.started = upload, time.time()
        self.stop = Stop()
        self.replaced = False
        """Whether it was stopped because a newer upload took the place of its source."""
        self.report: Report | None = None
        self.error: BaseException | None = None
        self.done = False
        self._run, self._wake = run, wake
        self._thread = threading.Thread(target=self._work, name=f"streamify {upload.key}")
        self._thread.start()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def _work(self) -> None:
        try:
            self.report = self._run(self.stop)
        except BaseException as error:  # whatever it is, it is recorded
            self.error = error
        self.done = True
        self._wake()

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped from here, so that it is still to be done."""
        return isinstance(self.error, Interrupted) and not isinstance(self.error, JobCancelled) and not self.replaced


def is_about_source(error: BaseException | None) -> bool:
    """Return whether a job failed because its source is gone, or another one by now."""
    return isinstance(error, StreamifyError) and error.code in GONE


_LATER = frozenset({"dest-busy", "dest-taken", "disk-full", "disk-too-small", "uploads-unreadable"})
"""Errors that others cause and mend."""


def may_pass(error: BaseException | None) -> bool:
    """Return whether the same job may succeed later without anybody touching its upload."""
    if not isinstance(error, StreamifyError):
        return False
    transient = error.transient and isinstance(error, DestinationError)
    return error.code in _LATER or transient or is_out_of_reach(error)
