"""What a job does, as server-sent events: a snapshot, then what changes, to any number of pages.

Format: docs/reference/page-events.md; https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from streamify.http.threads import Threads

EVERY = 0.25
"""Seconds between two changes."""
LOOK_EVERY = 4
"""Of how many turns one looks for what nobody tells."""
KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent, so that nothing between takes the connection for dead."""
PAGES = 100
"""Connections at one time."""
HELD_BYTES = 1 << 20
"""Of changes that are held for pages that fall behind or come back; shared by all."""
OVER = ("complete", "failed")
"""States after which nothing changes."""


class Job(Protocol):
    """What is told."""

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return all that there is to know."""

    def changes(self, now: float) -> dict[str, Any] | None:
        """Return what changed since the last call, or ``None``."""

    def look(self) -> None:
        """Look for what nobody tells. Blocks."""

    def detail(self, track: str, segment: int) -> dict[str, Any] | None:
        """Return what is known of a segment, or ``None``. Blocks."""


class Full(Exception):
    """There are `PAGES` connections already."""


class JobEvents:
    """Tells pages what a job does. One task takes the changes, encodes them once and holds the last ones for all pages.

    A page holds the number of the last event that it was sent, and no more: one that is behind what is held gets a new
    snapshot. Nothing runs while there is no page.

    Args:
        job: What is told.
        threads: For calls that block.
    """

    def __init__(self, job: Job, threads: Threads, *, every: float = EVERY, keep_alive: float = KEEP_ALIVE) -> None:
        self._job, self._threads, self._every, self._keep_alive = job, threads, every, keep_alive
        self._epoch = secrets.token_hex(4)  # another server begins to count anew
        self._number = 0
        self._edition = -1
        self._over = False  # whether no more changes come
        self._held: deque[tuple[int, bytes]] = deque()
        self._held_bytes = 0
        self._snapshot: tuple[int, bytes] | None = None
        self._encoding = asyncio.Lock()  # one snapshot for all that ask at once
        self._news = asyncio.Event()
        self._pages = 0
        self._ticker: asyncio.Task[None] | None = None
        self._closed = False

    def open(self, last_id: str | None) -> StreamingResponse:
        """Return the answer to a page that was sent the event `last_id` last.

        Raises:
            Full: Too many have one.
        """
        if self._pages >= PAGES:
            raise Full
        epoch, _, number = (last_id or "").partition("-")
        seen = int(number) if epoch == self._epoch and number.isascii() and number.isdecimal() else None
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would collect events
        return _Events(self, self._events(seen), headers)

    def enter(self) -> None:
        """Count a page."""
        self._pages += 1
        if self._ticker is None:
            self._ticker = asyncio.ensure_future(self._tick())

    def leave(self) -> None:
        """Count a page no more."""
        self._pages -= 1

    def close(self) -> None:
        """End all answers soon."""
        self._closed = True
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _events(self, seen: int | None) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        while not self._closed:
            news = self._news
            data = self._next(seen) if seen is not None else None
            if seen is None or (data is None and seen != self._number):
                seen, data = await self._whole()
            elif data is not None:
                seen += 1
            if data is not None:
                yield data
            elif self._over:
                return
            else:
                try:
                    await asyncio.wait_for(news.wait(), self._keep_alive)
                except TimeoutError:
                    yield b": keep-alive\n\n"

    def _next(self, seen: int) -> bytes | None:
        """Return the event after the one with a number, where it is held."""
        if not self._held or not self._held[0][0] <= seen + 1 <= self._number:
            return None
        return self._held[seen + 1 - self._held[0][0]][1]

    async def _whole(self) -> tuple[int, bytes]:
        """Return the last number and a snapshot, which may hold changes that are still to be told."""
        async with self._encoding:
            if self._snapshot is None or self._snapshot[0] != self._number:
                number = self._number
                document = await self._threads.run(self._job.snapshot, time.time())
                if self._is_another(document):
                    number = self._number
                self._snapshot = number, self._event("snapshot", number, document)
            return self._snapshot

    def _is_another(self, document: dict[str, Any]) -> bool:
        """Take note of how far the job is; return whether its plan is another: changes alone tell nothing then."""
        self._over = document["state"] in OVER
        if document["edition"] == self._edition:
            return False
        self._edition = document["edition"]
        self._held.clear()
        self._held_bytes = 0
        self._number += 1
        return True

    def _event(self, kind: str, number: int, document: dict[str, Any]) -> bytes:
        text = json.dumps(document, separators=(",", ":"))
        return f"event: {kind}\nid: {self._epoch}-{number}\ndata: {text}\n\n".encode()

    async def _tick(self) -> None:
        """Take the changes as long as there are pages."""
        turn = 0
        while True:
            await asyncio.sleep(self._every)  # the first page has its snapshot meanwhile
            if not self._pages or self._closed:
                break
            if turn % LOOK_EVERY == 0:
                await self._threads.run(_look, self._job)
            turn += 1
            document = await self._threads.run(self._job.changes, time.time())
            if document is not None:
                self._take(document)
        self._ticker = None

    def _take(self, document: dict[str, Any]) -> None:
        if not self._is_another(document):
            self._number += 1
            data = self._event("change", self._number, document)
            self._held.append((self._number, data))
            self._held_bytes += len(data)
            while self._held_bytes > HELD_BYTES and len(self._held) > 1:
                self._held_bytes -= len(self._held.popleft()[1])
        self._tell()


def _look(job: Job) -> None:
    job.look()


class _Events(StreamingResponse):
    media_type = "text/event-stream"

    def __init__(self, events: JobEvents, content: AsyncIterator[bytes], headers: dict[str, str]) -> None:
        super().__init__(content, headers=headers)
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._events.enter()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._events.leave()
