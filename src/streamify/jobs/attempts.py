"""The attempts of a run, as DEST keeps them: one JSON value a line, in the run's folder.

An attempt has a line when it begins and another when it ends, on AWS the last alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from streamify.dest.layout import run_attempts, run_attempts_key
from streamify.errors import StreamifyError
from streamify.model.attempt import Attempt
from streamify.storage.base import Storage
from streamify.storage.local import LocalStorage
from streamify.storage.saved import parse_saved

BATCH = 400
"""Lines in one object of an object store, at most."""
EVERY = 15.0
"""Seconds after which an object store gets what there is."""


class AttemptLog:
    """Keeps the attempts of a run of this process, from a thread of its own: `add` never waits.

    In a folder each is written as it begins and as it ends. An object store gets them in batches, so that a crash loses
    those of the last seconds. A log that cannot be written stops no job: it is tried again with the next batch.
    """

    def __init__(self, media: Storage, run: str) -> None:
        self._media, self._run = media, run
        self._waiting: list[Attempt] = []
        self._since = 0.0  # when the first of them came
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._batch = 0
        self._torn = False  # whether a line may lack its end

    def add(self, attempt: Attempt) -> None:
        """Keep an attempt that has begun or ended."""
        with self._changed:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(attempt)
            if self._thread is None:
                self._closed = False
                self._thread = threading.Thread(target=self._write_all, name="streamify-attempts", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Write what is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (left := self._time_left()) > 0:
                    self._changed.wait(left if self._waiting else None)
                taken, closed = self._waiting, self._closed
                self._waiting = []
            if taken and not self._write(taken):
                with self._changed:
                    self._waiting, self._since = taken + self._waiting, time.monotonic()
                if not closed:
                    time.sleep(1)
            if closed:
                return

    def _time_left(self) -> float:
        """Return how long to wait for more, seconds."""
        if not self._waiting:
            return EVERY
        if isinstance(self._media, LocalStorage) or len(self._waiting) >= BATCH:
            return 0
        return self._since + EVERY - time.monotonic()

    def _write(self, attempts: list[Attempt]) -> bool:
        lines = b"".join(attempt.to_json() + b"\n" for attempt in attempts)
        try:
            if isinstance(self._media, LocalStorage):
                self._media.append(run_attempts_key(self._run, "00000"), b"\n" + lines if self._torn else lines)
            else:
                self._media.put(run_attempts_key(self._run, f"{self._batch:05d}"), lines)
                self._batch += 1
        except StreamifyError:
            self._torn = True
            return False
        self._torn = False
        return True


def write_attempt(media: Storage, run: str, attempt: Attempt) -> None:
    """Keep one attempt, by a process of its own: there is one object for each."""
    name = f"{attempt.task}-{int(attempt.started * 1000)}"
    with suppress(StreamifyError):
        media.put(run_attempts_key(run, name), attempt.to_json() + b"\n")


def read_attempts(media: Storage, run: str) -> list[Attempt]:
    """Return the attempts of a run in the order in which they began, with one listing.

    Of one that runs, or whose end a crash cut off, the beginning is returned. Lines that cannot be read are left out.

    Raises:
        DestinationError: ``state-newer``.
    """
    found: dict[tuple[str, int, float], Attempt] = {}
    for key, line in _lines(media, run):
        attempt = parse_saved(Attempt, line, key)
        if attempt is not None:
            place = (attempt.task, attempt.number, attempt.started)
            if attempt.outcome != "running" or place not in found:
                found[place] = attempt
    return sorted(found.values(), key=lambda attempt: attempt.started)


def _lines(media: Storage, run: str) -> Iterator[tuple[str, bytes]]:
    """Yield every whole line of a run with the key of its file."""
    keys = sorted(entry.key for entry in media.list(run_attempts(run)))
    for key, data in zip(keys, media.get_many(keys), strict=True):
        for line in (data or b"").splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield key, line
