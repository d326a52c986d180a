"""What strangers, slow clients and broken storage do to the server of `play`: each gets an answer."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from e2e.driving import wait_for
from selection import sample
from streamify.errors import DestinationError
from streamify.http.access import BadTarget, Target
from streamify.http.connections import Connection
from streamify.http.files import ObjectFiles, Served
from streamify.http.play import PlayServer
from streamify.http.ranges import Unsatisfiable, parse_range
from streamify.storage.local import LocalStorage
from unit.http.asking import ask, connect, everything, exchange, playing

DATA = bytes(range(256)) * 4
HEAD = "Host: 127.0.0.1\r\n"
DIGITS = "9" * 5000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stream")
    (root / "master.m3u8").write_text("#EXTM3U\n")
    (root / "a.m4s").write_bytes(DATA)
    return root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[PlayServer]:
    with playing(root) as server:
        yield server


def statuses(answer: bytes) -> list[int]:
    return [int(part[1:4]) for part in answer.split(b"HTTP/1.1")[1:]]


def test_ranges_of_any_number_of_digits() -> None:
    assert parse_range(f"bytes=0-{DIGITS}", 100) == (0, 100)
    assert parse_range(f"bytes=-{DIGITS}", 100) == (0, 100)
    assert parse_range(f"bytes={'0' * 5000}5-6", 100) == (5, 7)
    with pytest.raises(Unsatisfiable):
        parse_range(f"bytes={DIGITS}-", 100)


def test_a_range_of_5000_digits_is_answered(server: PlayServer) -> None:
    assert ask(server, "/a.m4s", Range=f"bytes={DIGITS}-")[0] == 416
    assert ask(server, "/a.m4s", Range=f"bytes=0-{DIGITS}")[::2] == (206, DATA)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://[ HTTP/1.1", 400),
        ("GET http://127.0.0.1/a.m4s HTTP/1.1", 200),
        ("GET http://evil.example/a.m4s HTTP/1.1", 403),
        (f"GET /{'a' * 300} HTTP/1.1", 404),
        (f"GET /_play/{'a' * 300} HTTP/1.1", 404),
        (f"GET /{'a' * 9000} HTTP/1.1", 414),
        (f"GET /{'a' * 100_000} HTTP/1.1", 414),
        (f"GET /{'a' * 1_000_000} HTTP/1.1", 400),
        ("GET /%ff HTTP/1.1", 404),
        ("GET /_play/%ff HTTP/1.1", 404),
        ("GET /\xff HTTP/1.1", 400),
        ("GET", 400),
        ("BREW /a.m4s HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 204),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_every_request_line_gets_an_answer(server: PlayServer, line: str, status: int) -> None:
    answer = exchange(server, f"{line}\r\n{HEAD}Connection: close\r\n\r\n".encode("latin-1"))
    assert statuses(answer) == [status]


def test_the_absolute_form_of_a_target() -> None:
    assert Target.parse("http://a:1/b%20c") == Target("/b c", "a:1")
    assert Target.parse("HTTP://a") == Target("/", "a")
    assert Target.parse("/http://a") == Target("/http://a", None)
    with pytest.raises(BadTarget):
        Target.parse("http://[")


def test_names_that_an_object_store_cannot_have(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("master.m3u8", b"#EXTM3U\n")
    with playing(ObjectFiles(storage, "out")) as server:
        assert [ask(server, target)[0] for target in ("/%ff", "/" + "a" * 2000, "/master.m3u8")] == [404, 404, 200]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT"])
def test_a_body_is_not_taken_for_the_next_request(server: PlayServer, method: str) -> None:
    body = f"GET /hidden HTTP/1.1\r\n{HEAD}\r\n"
    line = f"{method} /master.m3u8 HTTP/1.1\r\n{HEAD}"
    first = f"{line}Content-Length: {len(body)}\r\n\r\n{body}"
    chunked = f"{line}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    last = f"GET /a.m4s HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"
    own = {"GET": 200, "HEAD": 200, "OPTIONS": 204}.get(method, 405)
    assert statuses(exchange(server, f"{first}{chunked}{last}".encode())) == [own, own, 200]


def test_a_large_body_gets_its_405_and_the_connection_goes_on(server: PlayServer) -> None:
    body = bytes(1024 * 1024)
    status, headers, text = ask(server, "/a.m4s", "POST", body=body, Content_Length=str(len(body)))
    assert (status, headers["allow"], text) == (405, "GET, HEAD, OPTIONS", b"this server is read only\n")
    head = f"POST / HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n".encode()
    last = f"GET /a.m4s HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode()
    assert statuses(exchange(server, head + body + head + body + last)) == [405, 405, 200]


class Broken:
    """Storage that fails, blocks or lies."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.over = False
        """Whether a read that hangs has ended."""

    def holds_stream(self) -> bool:
        return True

    def find(self, parts: list[str]) -> Served | None:
        if parts == ["unreachable"]:
            raise DestinationError("storage-unavailable", "s3://b/x: 503", "try again later")
        if parts == ["bug"]:
            raise ZeroDivisionError("of\nours")
        if parts == ["hangs"]:
            self.go.wait(60)
            self.over = True
            return None
        content = {"denied": self._denied, "short": self._short, "gone": self._gone}.get(parts[0])
        return Served(content, 1000, '"x"', "video/mp4", "no-cache") if content else None

    def _denied(self) -> BinaryIO:
        raise PermissionError(13, "Permission denied")

    def _gone(self) -> BinaryIO:
        raise FileNotFoundError(2, "No such file or directory")

    def _short(self) -> BinaryIO:
        return io.BytesIO(b"x" * 10)


@pytest.mark.parametrize(
    ("target", "status", "line"),
    [
        ("/unreachable", 502, "GET /unreachable: s3://b/x: 503 (try again later) [storage-unavailable]"),
        ("/bug", 500, "GET /bug: ZeroDivisionError: of ours"),
        ("/denied", 500, "GET /denied: PermissionError: [Errno 13] Permission denied"),
        ("/gone", 404, None),
        ("/none", 404, None),
    ],
)
def test_every_fault_has_a_status_and_a_line_for_the_operator(target: str, status: int, line: str | None) -> None:
    lines: list[str] = []
    with playing(Broken(), lines=lines) as server:
        assert ask(server, target)[0] == status
    assert lines == ([line] if line else [])


def test_a_file_that_became_shorter_never_looks_whole() -> None:
    lines: list[str] = []
    request = f"GET /short HTTP/1.1\r\n{HEAD}\r\n".encode()
    with playing(Broken(), lines=lines) as server:
        head, _, body = exchange(server, request).partition(b"\r\n\r\n")
    assert b"content-length: 1000" in head.lower()
    assert body == b"x" * 10
    assert lines == ["GET /short: EOFError: the file became shorter while it was sent"]


def test_reads_that_hang_hold_up_neither_the_page_nor_the_end() -> None:
    broken = Broken()
    with playing(broken) as server, ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(connect(server))
            connection.sendall(f"GET /hangs HTTP/1.1\r\n{HEAD}\r\n".encode())
        assert ask(server, "/")[0] == 200
        assert not broken.over
        broken.go.set()


class Hasty(Connection):
    """The limits of a connection, small."""

    limit = 40
    request_seconds = 1.0
    send_seconds = 1.0


class Patient(Hasty):
    """Nobody's time is over while a test looks."""

    request_seconds = 300.0
    send_seconds = 300.0


class Leisurely(Hasty):
    """More than a pause of the test, and less than two."""

    request_seconds = 2.4


def heard(connection: socket.socket) -> bytes:
    """Return all that the server sends until it closes the connection or resets it."""
    parts: list[bytes] = []
    with suppress(ConnectionError):
        parts.extend(iter(lambda: connection.recv(65536), b""))
    return b"".join(parts)


@pytest.mark.parametrize("sent", sample([b"", b"GET /a.m4s HTTP/1.1\r\nHost:"], b""), ids=["silent", "half a header"])
def test_slow_clients_lock_nobody_out(root: Path, sent: bytes) -> None:
    with playing(root, connection=Patient) as server, ExitStack() as stack:
        slow = [stack.enter_context(connect(server)) for _ in range(70)]
        for connection in slow:
            connection.sendall(sent)
        assert ask(server, "/a.m4s")[::2] == (200, DATA)  # before any deadline of theirs
    with playing(root, connection=Hasty) as server, ExitStack() as stack:
        asked: dict[socket.socket, bool] = {}
        for _ in range(70):
            began = time.monotonic()
            connection = stack.enter_context(connect(server))
            with suppress(ConnectionError):
                connection.sendall(sent)
            asked[connection] = bool(sent) and time.monotonic() - began < Hasty.request_seconds / 2
        answers = {connection: tuple(statuses(heard(connection))) for connection in asked}  # each ends by itself
    # One answer to each that asked: too late, or no room. To say it to one that sent nothing would confuse browsers,
    # which open connections in advance.
    assert {answers[one] for one in asked if asked[one]} <= {(408,), (503,)}
    assert {answers[one] for one in asked if not asked[one]} <= ({(), (408,), (503,)} if sent else {()})


@pytest.mark.long
@pytest.mark.parametrize(
    "begun",
    [
        b"GET /a.m4s HTTP/1.1\r\n" + b"X" * 100,
        f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\n".encode(),
    ],
    ids=["header", "body"],
)
def test_a_client_that_drips_its_header_or_its_body_has_one_deadline(root: Path, begun: bytes) -> None:
    with playing(root, connection=Hasty) as server:
        answer, seconds = wait_for(lambda: dripping(server, begun))
        assert statuses(answer) == [408]
        assert seconds >= Hasty.request_seconds


def dripping(server: PlayServer, begun: bytes) -> tuple[bytes, float] | None:
    """Return what a client is told that sends a byte now and then, and after how long.

    Return ``None`` where this process was kept from sending the first bytes in time.
    """
    answer, opened = b"", time.monotonic()
    with connect(server) as connection, suppress(ConnectionError):
        connection.settimeout(0.1)
        connection.sendall(begun)
        if time.monotonic() - opened > Hasty.request_seconds / 2:
            return None
        for _ in range(600):
            try:
                if not (data := connection.recv(1000)):
                    break
                answer += data
            except TimeoutError:
                connection.sendall(b"x")
    return answer, time.monotonic() - opened


def test_a_client_that_reads_nothing_is_left_and_others_are_answered(root: Path) -> None:
    (root / "large.m4s").write_bytes(bytes(32 * 1024 * 1024))
    with playing(root, connection=Patient) as server, ExitStack() as stack:
        readers = taking_nothing(server, stack)
        for reader in readers:  # all places are taken by clients that are being answered
            assert reader.recv(1, socket.MSG_PEEK)
        with connect(server) as late:
            late.sendall(f"GET /a.m4s HTTP/1.1\r\n{HEAD}\r\n".encode())
            answer = everything(late)
        assert statuses(answer) == [503]
        assert b"\r\nRetry-After: 5\r\n" in answer
    with playing(root, connection=Hasty) as server, ExitStack() as stack:
        taking_nothing(server, stack)
        wait_for(lambda: status_of(server, "/a.m4s") == 200)


def status_of(server: PlayServer, target: str) -> int | None:
    """Return the status of an answer; ``None``: the server closed the connection."""
    try:
        return ask(server, target)[0]
    except ConnectionError:
        return None


def taking_nothing(server: PlayServer, stack: ExitStack) -> list[socket.socket]:
    """Ask for more than the buffers of a connection hold, on as many as there may be."""
    readers = []
    for _ in range(Hasty.limit):
        reader = stack.enter_context(socket.socket())
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(60)
        reader.connect(("127.0.0.1", server.port))
        with suppress(ConnectionError):  # where its deadline is short, and this process was kept from sending
            reader.sendall(f"GET /large.m4s HTTP/1.1\r\n{HEAD}\r\n".encode())
        readers.append(reader)
    return readers


@pytest.mark.long
def test_an_idle_connection_makes_room_and_an_answer_does_not_count_as_a_request(root: Path) -> None:
    def kept_open() -> bool:
        """Return whether a connection was kept between requests; false where this process was late with one."""
        last = time.monotonic()
        with connect(leisurely) as kept:
            for _ in range(2):  # each request has the whole time
                time.sleep(1.25)
                sending = time.monotonic()
                with suppress(ConnectionError):
                    kept.sendall(f"HEAD /a.m4s HTTP/1.1\r\n{HEAD}\r\n".encode())
                if time.monotonic() - last > 2:
                    return False
                last = sending
                assert statuses(kept.recv(4096)) == [200]
            assert everything(kept) == b""  # then it is closed without a word
            return True

    with playing(root, connection=Leisurely) as leisurely:
        wait_for(kept_open)
