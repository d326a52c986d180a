"""An HTTP proxy before an object store: writes down what passes, and does to it what a bad day of the network does.

What happens to a request is decided by the seed, its method, its key and how often it came, so that threads in
another order change nothing.
"""

from __future__ import annotations

import http.client
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Lock, Thread
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from clouds import Cloud

Fate = Literal["passed", "busy", "reset", "lost", "cut", "conflict"]

BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


CONFLICT = (
    b"<?xml version='1.0'?><Error><Code>ConditionalRequestConflict</Code><Message>The conditional request cannot"
    b" succeed due to a conflicting operation against this resource.</Message></Error>"
)


@dataclass(frozen=True)
class Faults:
    """What happens, each as a share of requests from 0 to 1."""

    busy: float = 0
    """Answered with 503 SlowDown; the store never sees them."""
    reset: float = 0
    """Met by a connection that is reset; the store never sees them."""
    lost: float = 0
    """Carried out by the store, and then the connection is reset in place of its answer."""
    cut: float = 0
    """Answered by a connection that is reset after half of the body, or, where there is none, before the answer."""
    conflict: float = 0
    """Answered with 409, as S3 does for a conditional write while another one of the key is on its way."""
    methods: frozenset[str] = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
    """To which requests all of that happens."""
    delay: float = 0
    """Seconds that every request waits."""


class Passed(NamedTuple):
    """A request that came."""

    method: str
    key: str
    """Below the bucket, as the store's user wrote it."""
    query: str
    fate: Fate


class Proxy:
    """A running proxy.

    Attributes:
        faults: What happens from now on.
        requests: What came so far, in order.
        read: Bytes of bodies that were read, by key.
        files: Objects, by key, that are answered from a file of this machine: larger ones than the store can hold.
        answers: What is answered to requests by method and key, in place of the store.
        most: Requests that were on their way at the same moment, at most.
        watch: Is told of every request before it goes on, and may decide what becomes of it.
    """

    def __init__(self, upstream: str, seed: int) -> None:
        self.faults = Faults()
        self.requests: list[Passed] = []
        self.read: Counter[str] = Counter()
        self.files: dict[str, Path] = {}
        self.answers: dict[tuple[str, str], Answer] = {}
        self.most = 0
        self.watch: Callable[[Passed], Fate | None] = lambda _: None
        self._upstream = urlsplit(upstream).netloc
        self._seed = seed
        self._seen: Counter[tuple[str, str]] = Counter()
        self._now = 0
        self._lock = Lock()
        self.cloud: Cloud

    def keys(self, *methods: str, below: str = "") -> list[str]:
        """Return the keys of all requests of some methods that lie below a prefix; listings have none."""
        return [one.key for one in self.requests if one.method in methods and one.key and one.key.startswith(below)]

    def prefixes(self) -> list[str]:
        """Return what was listed, page by page."""
        queries = (parse_qs(one.query) for one in self.requests if not one.key)
        return [query["prefix"][0] for query in queries if "prefix" in query]

    @property
    def under_way(self) -> int:
        """How many requests have come and are not answered."""
        with self._lock:
            return self._now

    def forget(self) -> None:
        """Forget what came so far."""
        with self._lock:
            self.requests, self.most, self.read = [], 0, Counter()

    def carry(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer | None:
        """Return the answer to a request; ``None``: the connection is to be reset."""
        path, _, query = target.partition("?")
        key = unquote(path.removeprefix("/").partition("/")[2])
        with self._lock:
            self._seen[method, path] += 1
            fate = self._fate(method, key, self._seen[method, path])
            passed = Passed(method, key, query, fate)
            self.requests.append(passed)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            fate = self.watch(passed) or fate
            time.sleep(self.faults.delay)
            if fate == "busy":
                return Answer(503, "Slow Down", [("Content-Type", "application/xml")], BUSY)
            if fate == "conflict":
                return Answer(409, "Conflict", [("Content-Type", "application/xml")], CONFLICT)
            if (method, key) in self.answers:
                return self.answers[method, key]
            answer = None if fate == "reset" else self._answer(method, key, target, headers, body)
            if fate == "cut" and answer is not None and method == "GET" and len(answer.body) > 1:
                return answer._replace(sent=len(answer.body) // 2)
            return answer if fate == "passed" else None
        finally:
            with self._lock:
                self._now -= 1

    def _fate(self, method: str, key: str, number: int) -> Fate:
        if method not in self.faults.methods:
            return "passed"
        drawn = Random(f"{self._seed} {method} {key} {number}").random()
        shares: tuple[tuple[Fate, float], ...] = (
            ("busy", self.faults.busy), ("reset", self.faults.reset), ("lost", self.faults.lost),
            ("cut", self.faults.cut), ("conflict", self.faults.conflict),
        )  # fmt: skip
        for fate, share in shares:
            if drawn < share:
                return fate
            drawn -= share
        return "passed"

    def _answer(self, method: str, key: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        here = key in self.files and method in ("GET", "HEAD")
        answer = _of_file(self.files[key], method, headers) if here else self._forward(method, target, headers, body)
        with self._lock:
            self.read[key] += len(answer.body) if method == "GET" else 0
        return answer

    def _forward(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        finally:
            connection.close()


class Answer(NamedTuple):
    """Of the store."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    sent: int | None = None
    """Bytes of the body after which the connection is reset; ``None``: all of it is sent."""


def _of_file(path: Path, method: str, headers: list[tuple[str, str]]) -> Answer:
    """Answer as S3 does for an object (GetObject with one range, HeadObject)."""
    size = path.stat().st_size
    given = {name.lower(): value for name, value in headers}
    first, last, status = 0, size - 1, 200
    if "range" in given:
        begin, _, end = given["range"].removeprefix("bytes=").partition("-")
        first, last, status = int(begin), min(int(end or last), last), 206
    facts = [
        ("ETag", '"of-a-file"'),
        ("Last-Modified", formatdate(path.stat().st_mtime, usegmt=True)),
        ("Content-Length", str(last + 1 - first)),
        ("Content-Range", f"bytes {first}-{last}/{size}"),
        ("Accept-Ranges", "bytes"),
    ]
    if method == "HEAD":
        return Answer(status, "OK", facts, b"")
    with path.open("rb") as file:
        file.seek(first)
        return Answer(status, "OK", facts, file.read(last + 1 - first))


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end
    request_queue_size = 256

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
        self.open: set[socket.socket] = set()
        self.ending = False

    def hang_up(self) -> None:
        self.ending = True
        for one in list(self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each body waits 40 ms for the client's word that the head has come
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)
        if self.server.ending:  # it was taken at the last moment: nobody else hangs up
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(ConnectionError):  # clients hang up when they like
            super().handle()

    def log_message(self, *_: object) -> None:
        pass

    def _carry(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.proxy.carry(self.command, self.path, self.headers.items(), body)
        if answer is None:
            self._reset()
            return
        self.send_response_only(answer.status, answer.reason)
        names = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.sent])
        if answer.sent is not None:
            time.sleep(0.01)  # else the reset overtakes what was sent
            self._reset()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _carry  # noqa: N815


@contextmanager
def before(cloud: Cloud, seed: int = 1) -> Iterator[Proxy]:
    """Run a proxy before an S3; its `cloud` is the way through it."""
    proxy = Proxy(cloud.endpoint, seed)
    with _Server(proxy) as server:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        proxy.cloud = replace(cloud, endpoint=endpoint, environment=cloud.environment | {"AWS_ENDPOINT_URL": endpoint})
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()
