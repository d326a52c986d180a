"""A storage that a node may not use, or does not reach, is told with the node."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from faults.worker import task
from stores import open_storage
from streamify.errors import Failure
from streamify.executors.ray import node
from streamify.executors.ray.blame import on_node
from streamify.executors.ray.parcel import unpacked
from streamify.executors.ray.wire import Given
from streamify.executors.wire import Failed, Work
from streamify.model.location import Location
from streamify.storage.base import Storage
from streamify.storage.locate import StoreLocations

GONE = Failure("k", "source-changed", "film.mp4 is gone since it was planned, or may not be read any more", exit_code=3)


class _Refusing(BaseHTTPRequestHandler):
    """S3 for credentials that it does not know."""

    def do_HEAD(self) -> None:
        self.send_response(403 if "film.mp4" in self.path else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def refusing(patch: pytest.MonkeyPatch) -> Iterator[Storage]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "unknown",
            "AWS_SECRET_ACCESS_KEY": "unknown",
            "AWS_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        yield open_storage("s3://raw")
        server.shutdown()


def test_a_source_that_a_node_may_not_read_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing(monkeypatch) as uploads:
        found = on_node(GONE, "node-1", uploads, "film.mp4")
        assert (found.key, found.code, found.exit_code) == ("k", "storage-denied", 5)
        assert found.cause.startswith("node node-1: cannot ")
        assert "s3://raw/film.mp4" in found.cause
        assert found.cause.endswith(", or it is gone")  # which S3 does not tell whoever may not list
        assert "`ray start`" in found.hint
        assert on_node(GONE, "node-1", uploads, "another.mp4") == GONE  # it is gone
        assert on_node(GONE, "node-1", uploads, None) == GONE


def test_a_failure_of_the_storage_names_its_node(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    full = Failure("k", "storage-unavailable", "HTTP 503", hint="wait", exit_code=5, transient=True)
    found = on_node(full, "node-1", storage, None)
    assert (found.cause, found.hint, found.transient) == ("node node-1: HTTP 503", "wait", True)
    damaged = Failure("k", "segment-undecodable", "damaged", exit_code=3)
    assert on_node(damaged, "node-1", storage, "film.mp4") == damaged
    assert on_node(GONE, "node-1", storage, "film.mp4") == GONE


def test_a_node_that_reaches_no_endpoint_says_so_before_it_starts_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "FIRST_PATIENCE", 0.2)
    with refusing(monkeypatch), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        stores = StoreLocations(uploads=Location.parse("s3://raw"), media=Location.parse("s3://media/film.mp4"))
        order = Given(work=Work(stores=stores, task=task("video/00000/a")), job="j", worker="nothing:to_start")
        reply = unpacked(node.run(zlib.compress(order.to_json()), lambda _: None))
        known = order.model_copy(update={"reached": True})
        with pytest.raises(ModuleNotFoundError, match="nothing"):  # the store itself waits for its endpoint then
            node.run(zlib.compress(known.to_json()), lambda _: None)
    assert isinstance(reply, Failed)
    failure = reply.failure
    assert (failure.key, failure.code, failure.exit_code) == ("video/00000/a", "storage-unreachable", 5)
    assert failure.cause.startswith(f"node {socket.gethostname()}: cannot reach s3://raw at {endpoint}: ")
    assert "AWS_ENDPOINT_URL" in failure.hint
    assert "`ray start`" in failure.hint
