"""Sends an object, or the part of it that was asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from streamify.http.files import Served
from streamify.http.ranges import decide
from streamify.http.threads import Threads

_CHUNK = 256 * 1024


async def answer(request: Request, found: Served, threads: Threads) -> Response:
    """Return the answer to a GET or HEAD of `found`. What cannot be opened raises here, before anything is sent."""
    status, headers, start, end = decide(request.headers, found.size, found.etag)
    caching = "no-store" if status >= 400 else found.cache_control  # of this answer, not of the object
    headers |= {"ETag": found.etag, "Cache-Control": caching, "Accept-Ranges": "bytes"}
    if status.value != 304:
        headers["Content-Type"] = found.content_type
    if request.method == "HEAD" or start == end:
        return Response(status_code=status, headers=headers)
    if isinstance(found.content, bytes):
        return Response(found.content[start:end], status, headers)
    return _FileResponse(await threads.run(_opened, found.content), start, end, threads, status, headers)


def _opened(opening: Callable[[], BinaryIO]) -> BinaryIO:
    return opening()


class _FileResponse(StreamingResponse):
    """Bytes ``[start, end)`` of an open file, which is closed at the end. Stops when the client goes away."""

    def __init__(
        self, file: BinaryIO, start: int, end: int, threads: Threads, status: int, headers: dict[str, str]
    ) -> None:
        self._file, self._threads = file, threads
        super().__init__(self._read(start, end), status, headers)

    async def _read(self, start: int, end: int) -> AsyncIterator[bytes]:
        await self._threads.run(self._file.seek, start)
        while start < end:
            data = await self._threads.run(self._file.read, min(_CHUNK, end - start))
            if not data:  # the length that we promised cannot be kept: the connection must not go on
                raise EOFError("the file became shorter while it was sent")
            start += len(data)
            yield data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._threads.run(_close, self._file)


def _close(file: BinaryIO) -> None:
    file.close()
