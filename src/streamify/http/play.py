"""What ``streamify play`` runs: one stream, read only, on one socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from streamify.errors import DestinationError
from streamify.http.access import Access
from streamify.http.app import create_app
from streamify.http.connections import Connection
from streamify.http.files import StaticSite, StreamFiles
from streamify.http.guard import Log
from streamify.http.job import job_routes
from streamify.http.job_events import Job, JobEvents
from streamify.http.listening import BACKLOG, Listener, listening
from streamify.http.ondemand import OnDemandSite, Stream
from streamify.http.threads import Threads


class PlayServer:
    """A server whose socket listens already; `run` answers."""

    def __init__(self, listener: Listener, config: uvicorn.Config, events: JobEvents) -> None:
        self._listener = listener
        self._server = _Server(config, events)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        return self._listener.url

    def run(self) -> None:
        """Answer requests until `stop`, or until SIGINT or SIGTERM, which is then raised again."""
        self._server.run(sockets=[self._listener.socket])

    def stop(self) -> None:
        """Let `run` return soon. Can be called from another thread."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Ends answers that would never end by themselves, so that nobody has to wait for them."""

    def __init__(self, config: uvicorn.Config, events: JobEvents) -> None:
        super().__init__(config)
        self._events = events

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._events.close()
        await super().shutdown(sockets)


@contextlib.contextmanager
def open_play(
    files: StreamFiles,
    host: str,
    port: int,
    *,
    log: Log,
    job: Job,
    live: Stream | None = None,
    allow_origin: str | None = None,
    connection: type[Connection] = Connection,
) -> Iterator[PlayServer]:
    """Listen for requests to the stream at `files`.

    Args:
        files: Where a finished stream is.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        log: Takes a line for each fault.
        job: What pages are told of how the stream is made.
        live: The stream while it is made, here or elsewhere; ``None``: nothing is made of it.
        allow_origin: See `Access.allow_origin`.
        connection: The limits of connections.

    Raises:
        DestinationError: `files` holds no stream.
        UsageError: `host` and `port` cannot be listened on.
    """
    if (live is None or live.state == "complete") and not files.holds_stream():
        hint = "give the DEST of a finished transcode; an interrupted one goes on when it is run again"
        raise DestinationError("no-stream", f"there is no finished stream in {files}", hint)
    with listening(host, port) as listener:
        yield play_server(
            files, listener, log=log, job=job, live=live, allow_origin=allow_origin, connection=connection
        )


def play_server(
    files: StreamFiles,
    listener: Listener,
    *,
    log: Log,
    job: Job,
    live: Stream | None = None,
    allow_origin: str | None = None,
    connection: type[Connection] = Connection,
) -> PlayServer:
    """Return the server of the stream at `files`, on a socket that listens. Arguments as of `open_play`."""
    threads = Threads()
    static = StaticSite(files, threads)
    site = OnDemandSite(static, live, threads) if live is not None else static
    events = JobEvents(job, threads)
    app = create_app(site, Access(listener.host, allow_origin), threads, log, job_routes(job, events, threads))
    return PlayServer(listener, _config(app, connection), events)


def _config(app: object, connection: type[Connection]) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # Starlette's types of ASGI are not uvicorn's
        loop="asyncio", http=connection, ws="none", lifespan="off", backlog=BACKLOG, timeout_graceful_shutdown=1,
        access_log=False, log_config=None, log_level="critical",  # `Guard` tells of every fault, in one line
        server_header=False, proxy_headers=False,
    )  # fmt: skip
