"""A cluster that does not answer any more is told as gone, by whatever error Ray says so."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from streamify.errors import DestinationError
from streamify.executors.ray import watch as watching
from streamify.executors.ray.address import parse, wire_errors

CLOSED = [
    ValueError("Cannot invoke RPC on closed channel!"),
    Exception("Ray Client is not connected. Please connect by calling `ray.init`."),
]


@pytest.mark.parametrize("error", CLOSED)
def test_errors_of_a_client_that_is_cut_off_are_errors_of_the_connection(error: Exception) -> None:
    with pytest.raises(ConnectionError, match=r"closed channel|not connected"), wire_errors():
        raise error


@pytest.mark.parametrize("error", [ValueError("a fault of ours"), KeyError("closed channel")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as found, wire_errors():
        raise error
    assert found.value is error


@pytest.mark.ray
@pytest.mark.parametrize("error", [*CLOSED, KeyError("a fault of ours")])
def test_whatever_ends_the_looks_at_a_cluster_is_told(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamify.executors.ray import cluster

    looks, told, may_fail, was_told = list[int](), list[str](), threading.Event(), threading.Event()

    def nodes() -> list[dict[str, object]]:
        looks.append(1)
        if len(looks) == 1:
            return []
        assert may_fail.wait(30)
        raise error

    def tell(cause: str) -> None:
        told.append(cause)
        was_told.set()

    monkeypatch.setattr(cluster, "ray", SimpleNamespace(nodes=nodes, is_initialized=lambda: True))
    monkeypatch.setattr(watching, "LOOK", 0.01)
    monkeypatch.setattr(watching, "LOST", -1)
    connection = cluster.Connection(None, 1, 1)
    connection.when_gone(tell)
    may_fail.set()
    assert was_told.wait(30)
    connection.close()
    assert len(told) == 1
    assert str(error.args[0])[:20] in told[0] or "has not answered" in told[0]


@pytest.mark.ray
def test_what_grpc_says_in_several_lines_becomes_one() -> None:
    import grpc

    from streamify.executors.ray.words import one_line

    class Refused(grpc.RpcError, grpc.Call):  # type: ignore[misc]
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNAVAILABLE

        def details(self) -> str:
            return "no\n  connection\n" + "x" * 300

    Refused.__abstractmethods__ = frozenset()
    said = one_line(Refused())
    assert said.startswith("UNAVAILABLE: no connection x")
    assert len(said) == 200


@pytest.mark.ray
@pytest.mark.parametrize(
    ("other", "said"), [({"ray_version": "2.49.0"}, "Ray: 2.49.0"), ({"python_version": "3.10.4"}, "Python: 3.10.4")]
)
def test_what_ray_says_of_other_versions_is_told_with_the_cluster(other: dict[str, str], said: str) -> None:
    from ray._private.utils import check_version_info, compute_version_info

    from streamify.executors.ray.cluster import _translated

    own = dict(zip(("ray_version", "python_version"), compute_version_info(), strict=True))
    check_version_info(own, "10.0.0.9")
    with pytest.raises(RuntimeError) as raised:
        check_version_info(own | other, "10.0.0.9")
    found = _translated(raised.value, parse("10.0.0.1"))
    assert isinstance(found, DestinationError)
    assert (found.code, found.exit_code) == ("ray-version", 5)
    assert found.message.startswith("the cluster at 10.0.0.1:6379 has other versions of Ray or Python: ")
    assert said in found.message
    assert f"Ray: {own['ray_version']}" in found.message
    assert "\n" not in found.message
