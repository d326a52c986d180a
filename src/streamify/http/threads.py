"""Threads for reads that block, so that the event loop never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")
A = TypeVar("A")

READERS = 32
"""Reads at one time; others wait for their turn."""


class Threads:
    """A bounded number of threads."""

    def __init__(self, count: int = READERS) -> None:
        self._limiter = anyio.CapacityLimiter(count)

    async def run(self, call: Callable[[A], T], argument: A) -> T:
        """Return what `call` returns; a call that was started is waited for, also when the request is cancelled."""
        result: T = await anyio.to_thread.run_sync(call, argument, limiter=self._limiter)
        return result
