"""A real HTTP server that takes webhooks and answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came, and what is answered."""

    url: str = ""
    status: int = 204
    location: str = ""
    hang: threading.Event = field(default_factory=threading.Event)
    """Cleared: requests wait for it without an answer."""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers, with names in lower case, and body of each request."""
    answered: int = 0


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run the server."""
    state = Receiver()
    state.hang.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            state.hang.wait(120)
            state.answered += 1
            self.send_response(state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.url = f"http://127.0.0.1:{server.server_port}/hook?token=secret"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield state
        finally:
            state.hang.set()
            server.shutdown()
            thread.join()
