"""Stops one write of a task on its way to the store, so that the task is in flight for as long as a test wants."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Lock

from faults.proxy import Fate, Faults, Passed, Proxy

LIMIT = 120.0
"""Seconds for which a request is held: a test that fails must end."""


@dataclass(eq=False)
class Stop:
    """The write that is to be stopped."""

    below: str
    """DEST of its job."""
    number: int
    """Which of the writes of tasks, from 1."""
    key: str = ""
    """Of the write, once it was stopped."""
    held: Event = field(default_factory=Event)
    """Set once it was."""
    opened: Event = field(default_factory=Event)
    verdict: Fate | None = None

    def open(self, verdict: Fate | None = None) -> None:
        """Let the write go on; with `verdict`, that becomes of it."""
        self.verdict = verdict
        self.opened.set()


class Gate:
    """Watches the requests that a proxy passes on.

    Attributes:
        writes: Of tasks, since `arm`.
    """

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.writes = 0
        self._slow = 0
        self._stop = Stop("", 0)
        self._lock = Lock()
        proxy.watch = self._look

    def arm(self, dest: str, write: int) -> Stop:
        """Stop the write of that number that a task of the job at `dest` does; 0: none."""
        self.writes, self._stop = 0, Stop(f"{dest}/", write)
        return self._stop

    def slow(self, delay: float, requests: int) -> None:
        """Delay so many requests from now on."""
        self._slow = requests
        self.proxy.faults = Faults(delay=delay)

    def heal(self) -> None:
        """Let everything pass from now on, but what is stopped."""
        self._slow, self.proxy.faults = 0, Faults()

    def settle(self) -> None:
        """Wait until what was stopped has reached the store."""
        deadline = time.monotonic() + LIMIT
        while self.proxy.under_way and time.monotonic() < deadline:
            time.sleep(0.01)

    def _look(self, passed: Passed) -> Fate | None:
        with self._lock:
            if self._slow:
                self._slow -= 1
                if not self._slow:
                    self.proxy.faults = Faults()
            stop = self._stop
            if passed.method != "PUT" or not is_of_task(passed.key, stop.below):
                return None
            self.writes += 1
            if self.writes != stop.number:
                return None
        stop.key = passed.key
        stop.held.set()
        stop.opened.wait(LIMIT)
        return stop.verdict


def is_of_task(key: str, below: str) -> bool:
    """Return whether a key below a DEST is one that tasks write: media, or the ledger's word of it."""
    rest = key.removeprefix(below)
    return rest != key and rest.startswith(("video/", "audio/", ".streamify/ledger/")) and not rest.endswith(".m3u8")
