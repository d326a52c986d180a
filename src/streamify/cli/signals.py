"""Ctrl-C and SIGTERM: the first stops the job in order, the second at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from streamify.cli.document import Document
from streamify.cli.exit import end_at_once
from streamify.errors import Interrupted
from streamify.jobs.engine import Stop


class SignalStop(Stop):
    """Set by the first signal, which it remembers; the job may set it, too, where it is ended from elsewhere."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.signalled = threading.Event()
        """Set by signals alone."""
        self.number: int | None = None
        self._document = document

    def __call__(self, number: int, _: FrameType | None = None) -> None:
        """Take a signal."""
        if self.number is not None:
            end_at_once(number, self._document)
        self.number = number
        self.exit_code = 128 + number
        # Not here: set() takes a lock that the interrupted main thread may hold.
        threading.Thread(target=self._set, daemon=True).start()

    def _set(self) -> None:
        self.signalled.set()
        self.set()


@contextlib.contextmanager
def stopping(document: Document) -> Iterator[SignalStop]:
    """Handle signals while a job runs that looks at the flag; the second writes `document` where it is owed."""
    stop = SignalStop(document)
    with handled(stop):
        yield stop


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Turn signals into `Interrupted` in the main thread: for commands that have nothing to finish."""

    def take(number: int, _: FrameType | None) -> None:
        raise Interrupted(128 + number)

    with handled(take):
        yield


@contextlib.contextmanager
def handled(handler: signal._HANDLER) -> Iterator[None]:
    """Install `handler` for SIGINT and SIGTERM, put the old ones back at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    old = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, previous in zip(numbers, old, strict=True):
            signal.signal(number, previous)
