"""The attempts of a run, as DEST keeps them: one JSON value a line, in the run's folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from streamify.dest.layout import run_attempts, run_attempts_key
from streamify.errors import StreamifyError
from streamify.model.attempt import Attempt
from streamify.storage.base import Storage
from streamify.storage.local import LocalStorage

BATCH = 200
"""Attempts in one object of an object store, at most."""
EVERY = 15.0
"""Seconds after which an object store gets what there is."""


class AttemptLog:
    """Keeps the attempts of a run of this process.

    In a folder each is written as it ends. An object store gets them in batches, so that a crash loses those of the
    last seconds. A log that cannot be written stops no job.
    """

    def __init__(self, media: Storage, run: str) -> None:
        self._media, self._run = media, run
        self._lines: list[bytes] = []
        self._batch = 0
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Keep attempts that have ended."""
        lines = [attempt.to_json() + b"\n" for attempt in attempts]
        with self._lock, suppress(StreamifyError):
            if isinstance(self._media, LocalStorage):
                self._media.append(run_attempts_key(self._run, "00000"), b"".join(lines))
                return
            self._lines += lines
            if len(self._lines) >= BATCH or time.monotonic() - self._last >= EVERY:
                self._flush()

    def close(self) -> None:
        """Write what is left."""
        with self._lock, suppress(StreamifyError):
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._media.put(run_attempts_key(self._run, f"{self._batch:05d}"), b"".join(self._lines))
            self._lines, self._batch, self._last = [], self._batch + 1, time.monotonic()


def write_attempt(media: Storage, run: str, attempt: Attempt) -> None:
    """Keep one attempt, by a process of its own: there is one object for each."""
    name = f"{attempt.task}-{int(attempt.started * 1000)}"
    with suppress(StreamifyError):
        media.put(run_attempts_key(run, name), attempt.to_json() + b"\n")


def read_attempts(media: Storage, run: str) -> Iterator[Attempt]:
    """Yield the attempts of a run, with one listing; a line that a crash cut off is left out."""
    for data in media.get_many(sorted(entry.key for entry in media.list(run_attempts(run)))):
        for line in (data or b"").splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield Attempt.from_json(line)
