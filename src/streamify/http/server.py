"""The server behind ``streamify play``: one stream, read only."""

from __future__ import annotations

import contextlib
import socket
import socketserver
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

from streamify.errors import DestinationError, UsageError
from streamify.http.files import Site
from streamify.http.handler import Handler

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # read, not bound


class Server(ThreadingHTTPServer):
    """Serves one stream."""

    daemon_threads = True

    def __init__(self, site: Site, host: str, port: int, allow_origin: str | None) -> None:
        self.site = site
        self.host = host
        self.allow_origin = allow_origin
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of `HTTPServer`: it asks the network and can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.host, self.server_address[1]

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        host = _ANY.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about players that hang up in the middle, as they do at every seek."""


@contextlib.contextmanager
def open_server(site: Site, host: str, port: int, allow_origin: str | None = None) -> Iterator[Server]:
    """Listen for requests to the stream at `site`; the caller runs `serve_forever`.

    Args:
        site: Where a finished stream lies.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        allow_origin: Origin whose pages may read the stream, ``*`` for all; by default none: without that, every
            page that a user visits could read what plays on their machine.

    Raises:
        DestinationError: `site` holds no stream.
        UsageError: `host` and `port` cannot be listened on.
    """
    if not site.holds_stream():
        hint = "give the DEST of a finished transcode; an interrupted one goes on when it is run again"
        raise DestinationError("no-stream", f"there is no finished stream in {site}", hint)
    try:
        server = Server(site, host, port, allow_origin)
    except OSError as error:
        message = f"cannot listen on {host}, port {port}: {error.strerror or error}"
        raise UsageError("cannot-listen", message, "choose another --host or --port") from error
    with server:
        yield server
