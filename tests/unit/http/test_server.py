"""The server of `play`: ranges, caching, and what it must never give away."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from streamify.errors import DestinationError, UsageError
from streamify.http.access import viewer_of
from streamify.http.connections import Connection
from streamify.http.files import FolderFiles
from streamify.http.play import PlayServer, open_play
from streamify.http.ranges import Unsatisfiable, parse_range
from unit.http.asking import Complete, ask, connect, everything, playing

DATA = bytes(range(256)) * 4


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.m4s").write_bytes(b"secret")
    root = tmp_path_factory.mktemp("my stream #1 é")
    for folder in ("video/720p-1a2b3c4d", "audio/en-1a2b3c4d", ".streamify/ledger", "_play"):
        (root / folder).mkdir(parents=True)
    (root / "master.m3u8").write_text("#EXTM3U\n")
    (root / "manifest.mpd").write_text("<MPD/>")
    (root / "report.json").write_text("{}")
    (root / "strange.html").write_text("<script>1</script>")
    (root / "a b%d#é.m4s").write_bytes(b"odd")
    (root / "empty.m4s").write_bytes(b"")
    (root / "video/720p-1a2b3c4d/00000.m4s").write_bytes(DATA)
    (root / "audio/en-1a2b3c4d/00000.m4s").write_bytes(DATA)
    (root / ".streamify/plan.json").write_text("secret")
    (root / ".hidden").write_text("secret")
    (root / "_play/evil.js").write_text("secret")
    (root / "out.m4s").symlink_to(outside / "secret.m4s")
    (root / "outdir").symlink_to(outside)
    (root / "state").symlink_to(root / ".streamify")
    (root / "loop").symlink_to(root / "loop")
    (root / "inside.m3u8").symlink_to(root / "master.m3u8")
    os.mkfifo(root / "fifo.m4s")
    return root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[PlayServer]:
    with playing(root) as server:
        yield server


@pytest.fixture(scope="module")
def open_to_all(root: Path) -> Iterator[PlayServer]:
    with playing(root, "*") as server:
        yield server


MEDIA = "/video/720p-1a2b3c4d/00000.m4s"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None), ("", None), ("bytes=0-0", (0, 1)), ("bytes=10-19", (10, 20)), ("bytes=90-", (90, 100)),
        ("bytes=90-500", (90, 100)), ("bytes=-10", (90, 100)), ("bytes=-500", (0, 100)), ("bytes=5-4", None),
        ("bytes=-", None), ("bytes=0-1,5-6", None), ("lines=0-1", None), ("bytes=a-b", None), ("bytes=0--1", None),
    ],
)  # fmt: skip
def test_ranges_as_in_rfc_9110(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100),
                                              ("bytes=0-", 0), ("bytes=-5", 0)])  # fmt: skip
def test_ranges_outside_of_the_file(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, size)


def test_whole_files_and_parts(server: PlayServer) -> None:
    assert ask(server, MEDIA)[::2] == (200, DATA)
    status, headers, body = ask(server, MEDIA, Range="bytes=10-19")
    assert (status, body, headers["content-range"]) == (206, DATA[10:20], "bytes 10-19/1024")
    assert ask(server, MEDIA, Range="bytes=-4")[::2] == (206, DATA[-4:])
    status, headers, body = ask(server, MEDIA, Range="bytes=1024-")
    assert (status, body, headers["content-range"]) == (416, b"", "bytes */1024")
    assert headers["cache-control"] == "no-store"  # the file never changes, but this answer is not the file
    assert ask(server, MEDIA, Range="bytes=10-19", If_Range='"other"')[0] == 200
    assert ask(server, "/empty.m4s")[::2] == (200, b"")


def test_head_gives_the_same_headers_without_a_body(server: PlayServer) -> None:
    status, headers, body = ask(server, MEDIA, "HEAD")
    assert (status, body, headers["content-length"], headers["accept-ranges"]) == (200, b"", "1024", "bytes")
    assert ask(server, "/none", "HEAD")[::2] == (404, b"")


def test_what_is_known_is_not_sent_again(server: PlayServer) -> None:
    tag = ask(server, MEDIA)[1]["etag"]
    for value in (tag, f'"x", W/{tag}', "*"):
        status, headers, body = ask(server, MEDIA, If_None_Match=value)
        assert (status, body, headers["etag"]) == (304, b"", tag)
    assert ask(server, MEDIA, If_None_Match='"x"')[0] == 200


@pytest.mark.parametrize(
    ("target", "kind", "immutable"),
    [
        ("/", "text/html; charset=utf-8", False),
        ("/_play/player.js", "text/javascript", False),
        ("/master.m3u8", "application/vnd.apple.mpegurl", False),
        ("/manifest.mpd", "application/dash+xml", False),
        ("/report.json", "application/json", False),
        (MEDIA, "video/mp4", True),
        ("/audio/en-1a2b3c4d/00000.m4s", "audio/mp4", True),
        ("/strange.html", "application/octet-stream", False),
        ("/inside.m3u8?x=1", "application/vnd.apple.mpegurl", False),
    ],
)
def test_types_and_caching(server: PlayServer, target: str, kind: str, immutable: bool) -> None:
    status, headers, _ = ask(server, target)
    assert (status, headers["content-type"]) == (200, kind)
    assert ("immutable" in headers["cache-control"]) == immutable
    assert immutable or headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")


def test_odd_names(server: PlayServer) -> None:
    assert ask(server, "/a%20b%25d%23%C3%A9.m4s")[::2] == (200, b"odd")


@pytest.mark.parametrize(
    "target",
    [
        "/.streamify/plan.json", "/%2estreamify/plan.json", "/video/../.streamify/plan.json", "/state/plan.json",
        "/.hidden", "/../outside0/secret.m4s", "/..%2foutside0%2fsecret.m4s", "/%2e%2e/x", "//etc/passwd",
        "/%2fetc/passwd", "/out.m4s", "/outdir/secret.m4s", "/loop", "/video", "/video/", "/video/720p-1a2b3c4d",
        "/_play/evil.js", "/_play/../server.py", "/_play/%2e%2e%2fserver.py", "/_play/", "/_play", "/fifo.m4s",
        "/a%00b", "/video%5c..%5cx", "/none.m4s", "/%ff%fe", "/" + "a" * 5000, "master.m3u8",
    ],
)  # fmt: skip
def test_nothing_hidden_or_outside_is_ever_sent(server: PlayServer, target: str) -> None:
    status, _, body = ask(server, target)
    assert status == 404
    assert b"secret" not in body


def test_only_reading(server: PlayServer) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        status, headers, body = ask(server, MEDIA, method)
        assert (status, headers["allow"], body) == (405, "GET, HEAD, OPTIONS", b"this server is read only\n")


def test_a_body_is_neither_asked_for_nor_taken_for_the_next_request(server: PlayServer) -> None:
    with connect(server) as connection:
        body = b"GET /master.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"\r\nconnection: close\r\n" in answer.lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "LOCALHOST", "[::1]:5", "192.168.1.7:8000"])
def test_addresses_are_answered(server: PlayServer, host: str) -> None:
    assert ask(server, "/master.m3u8", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1"]
)
def test_a_name_that_a_stranger_points_at_us_is_refused(server: PlayServer, host: str) -> None:
    assert ask(server, "/master.m3u8", Host=host)[0] == 403


def test_other_origins_read_nothing_unless_allowed(server: PlayServer, open_to_all: PlayServer) -> None:
    headers = ask(server, "/master.m3u8", Origin="https://evil.example")[1]
    assert "access-control-allow-origin" not in headers
    assert headers["cross-origin-resource-policy"] == "same-origin"
    status, headers, _ = ask(open_to_all, MEDIA, "OPTIONS", Origin="https://player.example")
    assert (status, headers["access-control-allow-origin"]) == (204, "*")
    assert "Range" in headers["access-control-allow-headers"]
    assert "Content-Range" in ask(open_to_all, MEDIA)[1]["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "viewer"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.4", "198.51.100.4"),
        ("172.18.0.5", "10.9.9.9, 198.51.100.4", "198.51.100.4"),  # only what our own proxy added counts
        ("8.8.8.8", "198.51.100.4", "8.8.8.8"),  # no proxy of ours: it may claim anything
        ("", "198.51.100.4", ""),
    ],
)
def test_viewers_are_told_apart_by_address_also_behind_a_proxy(peer: str, forwarded: str, viewer: str) -> None:
    assert viewer_of(peer, forwarded) == viewer


def test_one_connection_carries_many_requests(server: PlayServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for target, method in ((MEDIA, "GET"), ("/none", "GET"), (MEDIA, "HEAD"), ("/x", "OPTIONS"), (MEDIA, "GET")):
        connection.request(method, target)
        answer = connection.getresponse()
        answer.read()
    assert answer.status == 200
    connection.close()


def test_what_is_sent_does_not_wait_for_the_client_to_confirm_headers(root: Path) -> None:
    seen: list[int] = []

    class Noting(Connection):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            seen.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    with playing(root, connection=Noting) as server:
        assert ask(server, MEDIA)[2] == DATA
    assert seen == [1]


def _opened(root: Path, host: str, port: int) -> AbstractContextManager[PlayServer]:
    return open_play(FolderFiles(root), host, port, log=print, job=Complete())


def test_where_there_is_nothing_to_play_or_to_listen_on(root: Path, server: PlayServer, tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="no finished stream"), _opened(tmp_path, "127.0.0.1", 0):
        pass
    for host, port in (("127.0.0.1", server.port), ("192.0.2.1", 0), ("no.such.host.invalid", 0)):
        with pytest.raises(UsageError, match="cannot listen"), _opened(root, host, port):
            pass
