"""Answers one request of ``streamify play``."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, BinaryIO

from streamify.errors import DestinationError
from streamify.http.files import Served, find
from streamify.http.ranges import Unsatisfiable, parse_range

if TYPE_CHECKING:
    from streamify.http.server import Server

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_METHODS = "GET, HEAD, OPTIONS"
_CHUNK = 256 * 1024


class Handler(BaseHTTPRequestHandler):
    """GET, HEAD and OPTIONS."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "streamify"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """Send a file or a part of it."""
        if not self._trusted():
            return self._refuse(HTTPStatus.FORBIDDEN, "this server answers to its address only (Host header)")
        try:
            found = find(self.server.site, self.path)
            file = found.open() if found is not None else None
        except OSError:
            file = None
        except DestinationError as error:
            return self._refuse(HTTPStatus.BAD_GATEWAY, str(error))
        if found is None or file is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "not found")
        with file:
            return self._send(file, found)

    do_HEAD = do_GET  # noqa: N815

    def do_OPTIONS(self) -> None:
        """Answer a CORS preflight."""
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Allow", _METHODS)
        if self.server.allow_origin and self._trusted():
            self.send_header("Access-Control-Allow-Methods", "GET, HEAD")
            self.send_header("Access-Control-Allow-Headers", "Range, If-None-Match, If-Range")
        self.end_headers()

    def do_POST(self) -> None:
        """Refuse what would change something (RFC 9110, 15.5.6)."""
        # Its body stays unread, so nothing more can be asked on this connection.
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "this server is read only", Allow=_METHODS, Connection="close")

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Ask for no body."""
        return True

    def end_headers(self) -> None:
        """Add what every answer carries."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Security-Policy", _CSP)
        if self.server.allow_origin:
            self.send_header("Access-Control-Allow-Origin", self.server.allow_origin)
            self.send_header("Access-Control-Expose-Headers", "Content-Length, Content-Range, ETag")
            self.send_header("Vary", "Origin")
        else:
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay quiet: a player makes hundreds of requests."""

    def _trusted(self) -> bool:
        """Whether the Host header is an address or our own name: a name that a stranger's DNS points here is not."""
        host = self.headers.get("Host", "")
        name = host[1:].partition("]")[0] if host.startswith("[") and "]" in host else host.partition(":")[0]
        if name.lower() in ("localhost", self.server.host.lower()):
            return bool(name)
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _send(self, file: BinaryIO, found: Served) -> None:
        etag, size = found.etag, found.size
        headers = {"ETag": etag, "Cache-Control": found.cache_control, "Accept-Ranges": "bytes"}
        known = [tag.strip().removeprefix("W/") for tag in self.headers.get("If-None-Match", "").split(",")]
        if etag in known or "*" in known:
            return self._head(HTTPStatus.NOT_MODIFIED, headers)
        headers["Content-Type"] = found.content_type
        wanted = self.headers.get("Range") if self.headers.get("If-Range", etag) == etag else None
        try:
            part = parse_range(wanted, size)
        except Unsatisfiable:
            headers |= {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            return self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
        start, end = part or (0, size)
        headers["Content-Length"] = str(end - start)
        if part:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, headers)
        return self._copy(file, start, end) if self.command == "GET" else None

    def _copy(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        while start < end and (data := file.read(min(_CHUNK, end - start))):
            self.wfile.write(data)
            start += len(data)
        if start < end:  # the file shrank under us: the length that we promised cannot be kept
            self.close_connection = True

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _refuse(self, status: HTTPStatus, why: str, **more: str) -> None:
        body = (why + "\n").encode()
        self._head(status, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)),
                            "Cache-Control": "no-store"} | more)  # fmt: skip
        if self.command != "HEAD":
            self.wfile.write(body)
