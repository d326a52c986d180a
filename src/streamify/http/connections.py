"""Connections with deadlines: a client that is slow, or sends nothing, never keeps others out.

uvicorn has no deadline for the headers of a request, none for a client that does not read, and its limit on connections
refuses new ones while idle ones stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 256
"""At one time. Of those that wait for a request, the one that has waited longest makes room for another."""
REQUEST_SECONDS = 15.0
"""From the opening of a connection, or the last answer, to the end of the next request."""
SEND_SECONDS = 60.0
"""For a client to take some of what is sent; players pause, and ask again from where they were."""
LINGER_SECONDS = 2.0
"""What still comes in after a last answer is read for so long: a reset connection could lose the answer."""


class Connection(H11Protocol):
    """One connection; uvicorn makes them through `limited`."""

    limit = CONNECTIONS
    request_seconds = REQUEST_SECONDS
    send_seconds = SEND_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self._refused = False
        self.waiting_since: float | None = None
        """When it began to wait for a request; ``None`` while it answers one."""
        self.leaving_since: float | None = None
        """Since when no further request is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or make room for it."""
        super().connection_made(transport)
        self._watch()
        others = [other for other in self.connections if isinstance(other, Connection) and other is not self]
        leaving = [other for other in others if other.leaving_since is not None]
        if len(leaving) >= self.limit:
            min(leaving, key=lambda other: other.leaving_since or 0).transport.abort()
        if len(others) - len(leaving) >= self.limit:
            idle = longest_waiting(others)
            if idle is None:
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            else:
                idle.evict()

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        if self._refused:
            return
        if self.leaving_since is not None:  # evicted when this was on the way
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # ours is the only deadline
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        super().pause_writing()
        self._send_timer = self.loop.call_later(self.send_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client took most of what was sent."""
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def evict(self) -> None:
        """End a connection that waits for a request, to make room."""
        if self._incoming or self.transport.get_write_buffer_size():
            self._late(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._stop_timer()
            self.leaving_since = self.loop.time()
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    @property
    def _incoming(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])

    def _watch(self) -> None:
        """Let the deadline run while a request is awaited or comes in."""
        if self.leaving_since is not None:
            return
        if self.transport.is_closing():  # it closes when all is sent
            self._stop_timer()
            self._timer = self.loop.call_later(self.send_seconds, self.transport.abort)
        elif self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_timer()
        elif self._timer is None:
            self.waiting_since = self.loop.time()
            self._timer = self.loop.call_later(self.request_seconds, self._late)

    def _stop_timer(self) -> None:
        self.waiting_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self, status: HTTPStatus = HTTPStatus.REQUEST_TIMEOUT) -> None:
        answered = self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE)
        if self._incoming and not answered:
            self._refuse(status)
        elif self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer in uvicorn's place, and close."""
        self._refused = True
        self._stop_timer()
        self.leaving_since = self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what waits for the rest of the request learns that it does not come
            self.cycle.message_event.set()
        body = f"{status.phrase.lower()}\n".encode()
        retry = "Retry-After: 5\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n{retry}Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def longest_waiting(connections: Iterable[Connection]) -> Connection | None:
    """Return the connection that has waited longest for a request, ``None`` where all are answering one."""
    waiting = [(one.waiting_since, number, one) for number, one in enumerate(connections)
               if one.waiting_since is not None]  # fmt: skip
    return min(waiting, key=lambda entry: entry[:2])[2] if waiting else None
