"""A stream that is made while it is watched: what does not exist yet is asked for and waited for."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from http import HTTPStatus
from typing import Protocol

from starlette.exceptions import HTTPException

from streamify.dest.delivery import content_type
from streamify.dest.layout import MANIFESTS, track_of
from streamify.errors import StreamifyError
from streamify.http.files import Served, StaticSite
from streamify.http.threads import Threads
from streamify.jobs.demands import TooManyDemands
from streamify.jobs.progress import State
from streamify.planning.agenda import Wanted

LONGEST_WAIT = 7.0
"""Seconds that an answer waits for its segment: players give up 8 to 10 seconds after they asked."""

_PLANNED = 0.01
"""Seconds after which it is looked again whether the stream is planned; no file is read for that."""

_POLL = 0.05
"""Seconds after which a file is looked for again: a segment of sound exists before its task is done."""


class Demanded(Protocol):
    """What viewers wait for; see `streamify.jobs.demands.Demands`."""

    def want(self, wanted: Wanted, viewer: str = "") -> Future[None]:
        """Ask for a segment."""

    def leave(self, wanted: Wanted, future: Future[None]) -> None:
        """Take a demand back."""


class Stream(Protocol):
    """A stream that is made here or elsewhere; see `streamify.jobs.live.LiveStream`. Nothing of it blocks."""

    error: StreamifyError | None

    @property
    def demands(self) -> Demanded:
        """What its viewers wait for."""

    @property
    def state(self) -> State:
        """How far the job is."""

    def text(self, key: str) -> bytes | None:
        """Return a manifest of the whole stream."""

    def is_coming(self, key: str) -> bool:
        """Return whether a key is that of a file that is made in any case, soon."""

    def wanted(self, key: str) -> Wanted | None:
        """Return the segment that a key names."""


class OnDemandSite:
    """A `Site`. What exists at DEST is sent; a manifest comes from the plan until the whole stream is there.

    Args:
        files: What exists at DEST.
        live: The stream that is made there.
        threads: For calls that block.
    """

    def __init__(self, files: StaticSite, live: Stream, threads: Threads) -> None:
        self._files, self._live, self._threads = files, live, threads

    async def find(self, parts: list[str], viewer: str = "") -> Served | None:
        """See `Site.find`.

        Raises:
            HTTPException: 503, it does not exist yet and viewers ask for more than can be made; ask again.
            StreamifyError: It cannot be made.
        """
        key, end = "/".join(parts), asyncio.get_running_loop().time() + LONGEST_WAIT
        while self._live.state == "planning" and (key in MANIFESTS or track_of(key) is not None):
            await _pause(end, _PLANNED)
        text = self._live.text(key) if self._live.state != "complete" else None
        if text is not None:
            return Served.of(text, content_type(key), "no-store")
        coming = self._live.is_coming(key)
        found = await self._files.find(parts)
        while found is None and coming:
            await _pause(end, _POLL)
            coming = self._live.is_coming(key)  # before the look: what ends in between is found by it
            found = await self._files.find(parts)
        if found is not None:
            return found
        wanted = self._live.wanted(key)
        if wanted is not None:
            return await self._made(wanted, viewer, parts, end)
        if self._live.error is not None and key in MANIFESTS:  # nothing was planned
            raise self._live.error
        return None

    async def _made(self, wanted: Wanted, viewer: str, parts: list[str], end: float) -> Served | None:
        try:
            future = self._live.demands.want(wanted, viewer)
        except TooManyDemands:
            raise _later() from None
        try:
            return await self._wait(future, parts, end)
        finally:
            self._live.demands.leave(wanted, future)

    async def _wait(self, future: Future[None], parts: list[str], end: float) -> Served | None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _tell(loop, over))
        while True:
            done = future.done()
            found = await self._files.find(parts)
            if found is not None:
                return found
            if done:
                future.result()  # raises what keeps it from being made
                return None
            await _pause(end, _POLL, over)


def _tell(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
        loop.call_soon_threadsafe(over.set)


async def _pause(end: float, seconds: float, over: asyncio.Event | None = None) -> None:
    """Wait for some seconds, or until `over` is set.

    Raises:
        HTTPException: 503, the end of the wait has come.
    """
    left = end - asyncio.get_running_loop().time()
    if left <= 0:
        raise _later()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for((over or asyncio.Event()).wait(), min(seconds, left))


def _later() -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"})
