"""A socket that listens before the server's code is loaded: who connects meanwhile waits for his answer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import NamedTuple

from streamify.errors import UsageError

BACKLOG = 256
"""Connections that may wait."""

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # read, not bound


class Listener(NamedTuple):
    """A socket and the address that it was asked to listen on."""

    socket: socket.socket
    host: str

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        host = _ANY.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[Listener]:
    """Listen on an address.

    Args:
        host: Address.
        port: Port; 0 takes a free one.

    Raises:
        UsageError: It cannot be listened on.
    """
    try:
        found = _listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}, port {port}: {error.strerror or error}"
        raise UsageError("cannot-listen", message, "choose another --host or --port") from error
    with found:
        yield Listener(found, host)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, which connections inherit: asyncio sets TCP_NODELAY on no other. Without that each file,
    # whose headers are sent apart, came 40 ms late: the system waited for the client to confirm them (2026-11).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
