"""Asks a server of `play`, byte for byte where it matters."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamify.http.connections import Connection
from streamify.http.files import FolderFiles, StreamFiles
from streamify.http.play import PlayServer, open_play
from streamify.jobs.live import LiveStream
from streamify.jobs.progress import JobProgress


class Complete(JobProgress):
    """A stream that is complete, of whose job nothing is known."""

    def __init__(self) -> None:
        super().__init__()
        self.enter("complete")

    def look(self) -> None:
        """See nothing."""


@contextmanager
def playing(
    files: StreamFiles | Path, origin: str | None = None, lines: list[str] | None = None,
    connection: type[Connection] = Connection, live: LiveStream | None = None,
) -> Iterator[PlayServer]:  # fmt: skip
    """Run a server in a thread."""
    files = FolderFiles(files) if isinstance(files, Path) else files
    log = (lines if lines is not None else []).append
    with open_play(
        files, "127.0.0.1", 0, log=log, job=live or Complete(), live=live, allow_origin=origin, connection=connection
    ) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


def ask(
    server: PlayServer, target: str, method: str = "GET", *, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest(method, target, skip_host=True)
        for name, value in ({"Host": f"127.0.0.1:{server.port}"} | headers).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def connect(server: PlayServer, timeout: float = 60) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=timeout)


def exchange(server: PlayServer, data: bytes, timeout: float = 60) -> bytes:
    """Send `data` and return all that the server sends until it closes."""
    with connect(server, timeout) as connection:
        connection.sendall(data)
        return everything(connection)


def everything(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))
