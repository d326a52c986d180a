"""What a server that listens at the address of a cluster may say first; the server is one of gRPC, and no Ray."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from streamify.errors import DestinationError
from streamify.executors.ray.address import NO_RAY, parse

grpc = pytest.importorskip("grpc")
pytestmark = pytest.mark.ray


@contextmanager
def saying(code: str | None) -> Iterator[str]:
    """Give the address of a server that answers every call with that code; ``None``: with an empty message."""

    def answer(_: bytes, context: Any) -> bytes:
        if code is not None:
            context.abort(grpc.StatusCode[code], f"said {code}")
        return b""

    class Every(grpc.GenericRpcHandler):  # type: ignore[misc, name-defined]
        def service(self, _: object) -> Any:
            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Every()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def greeted(scheme: str, code: str | None) -> DestinationError | None:
    from streamify.executors.ray.cluster import _greet

    with saying(code) as address:
        try:
            _greet(parse(scheme + address))
        except DestinationError as error:
            return error
    return None


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_every_code_is_told_except_those_of_ray(scheme: str) -> None:
    for code in (each.name for each in grpc.StatusCode if each.name not in ("OK", "UNIMPLEMENTED")):
        error = greeted(scheme, code)
        assert error is not None, code
        if code == "UNAUTHENTICATED":
            assert error.code == "ray-auth"
            assert f"said {code}" in str(error)
        elif code == "DEADLINE_EXCEEDED":
            assert (error.code, error.hint) == ("ray-unreachable", NO_RAY)
        else:
            assert (error.code, error.hint) == ("ray-unreachable", NO_RAY), code
            assert f"{code}: said {code}" in str(error)


def test_a_head_knows_the_call_and_the_port_for_clients_does_not() -> None:
    assert greeted("", None) is None
    assert greeted("ray://", "UNIMPLEMENTED") is None
    for scheme, code in (("", "UNIMPLEMENTED"), ("ray://", None)):
        error = greeted(scheme, code)
        assert error is not None
        assert error.code == "ray-unreachable"
