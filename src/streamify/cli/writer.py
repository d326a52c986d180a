"""Writes from a thread of its own, so that a pipe that nobody reads, or a stopped terminal, stops no work."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

PATIENCE = 2.5
"""Seconds that the end of a command waits for a reader who takes nothing."""
_DROP_ABOVE = 1 << 14
"""Bytes that may wait before what can be left out is left out."""
_PIECE = 4096
"""Bytes of one write: what a pipe takes whole or not at all (PIPE_BUF)."""


class BackgroundWriter:
    """A bounded queue before a descriptor.

    Args:
        descriptor: Open for writing; stays open.
        limit: Bytes that may wait; what does not fit is dropped, and counted in `dropped`.
        on_error: Called once, from the thread, when the descriptor cannot be written; everything after is dropped.
    """

    def __init__(
        self, descriptor: int, *, limit: int = 1 << 20, on_error: Callable[[OSError], None] | None = None
    ) -> None:
        self.dropped = 0
        self._descriptor, self._limit, self._on_error = descriptor, limit, on_error
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._taken = 0
        self._failed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, data: bytes, *, droppable: bool = False) -> None:
        """Queue `data` and return at once; `droppable`: a later one says the same better."""
        with self._changed:
            if self._failed or not data:
                return
            if self._waiting + len(data) > (min(_DROP_ABOVE, self._limit) if droppable else self._limit):
                self.dropped += not droppable
                return
            self._queue.append(data)
            self._waiting += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="writer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, patience: float | None = None) -> bool:
        """Wait until all is written, at most `patience` seconds without a byte that was taken; return whether it is.

        By default `patience` is `PATIENCE`.
        """
        patience = PATIENCE if patience is None else patience
        with self._changed:
            while self._waiting:
                before, deadline = self._taken, time.monotonic() + patience
                while self._waiting and self._taken == before:
                    if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                        return False
        return True

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    self._changed.wait()
                data = self._queue.popleft()
            try:
                for start in range(0, len(data), _PIECE):
                    self._write(data[start : start + _PIECE])
            except OSError as error:
                with self._changed:
                    self._failed = True
                    self._queue.clear()
                    self._waiting = 0
                    self._changed.notify_all()
                if self._on_error is not None:
                    self._on_error(error)
                return

    def _write(self, data: bytes) -> None:
        left = data
        while left:
            try:
                count = os.write(self._descriptor, left)
            except BlockingIOError:  # whoever shares the descriptor made it non-blocking
                select.select([], [self._descriptor], [])
                continue
            left = left[count:]
            with self._changed:
                self._taken += count
                self._waiting -= count
                self._changed.notify_all()
