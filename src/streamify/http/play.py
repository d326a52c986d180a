"""What ``streamify play`` runs: one stream, read only, on one socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from streamify.errors import DestinationError, UsageError
from streamify.http.access import Access
from streamify.http.app import create_app
from streamify.http.connections import Connection
from streamify.http.files import StaticSite, StreamFiles
from streamify.http.guard import Log
from streamify.http.job import job_routes
from streamify.http.job_events import Job, JobEvents
from streamify.http.ondemand import OnDemandSite, Stream
from streamify.http.threads import Threads

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # read, not bound
_BACKLOG = 256


class PlayServer:
    """A server whose socket listens already; `run` answers."""

    def __init__(self, listener: socket.socket, host: str, config: uvicorn.Config, events: JobEvents) -> None:
        self._listener, self._host = listener, host
        self._server = _Server(config, events)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        host = _ANY.get(self._host, self._host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def run(self) -> None:
        """Answer requests until `stop`, or until SIGINT or SIGTERM, which is then raised again."""
        self._server.run(sockets=[self._listener])

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
    try:
        listener = _listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}, port {port}: {error.strerror or error}"
        raise UsageError("cannot-listen", message, "choose another --host or --port") from error
    with listener:
        threads = Threads()
        static = StaticSite(files, threads)
        site = OnDemandSite(static, live, threads) if live is not None else static
        events = JobEvents(job, threads)
        app = create_app(site, Access(host, allow_origin), threads, log, job_routes(job, events, threads))
        yield PlayServer(listener, host, _config(app, connection), events)


def _config(app: object, connection: type[Connection]) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # Starlette's types of ASGI are not uvicorn's
        loop="asyncio", http=connection, ws="none", lifespan="off", backlog=_BACKLOG, timeout_graceful_shutdown=1,
        access_log=False, log_config=None, log_level="critical",  # `Guard` tells of every fault, in one line
        server_header=False, proxy_headers=False,
    )  # fmt: skip


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
