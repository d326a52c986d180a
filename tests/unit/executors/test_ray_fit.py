"""Which nodes can take part in a job."""

from __future__ import annotations

import pytest

from ray_table import OWN, card
from streamify.errors import DestinationError
from streamify.executors.ray.fit import not_loaded, unfit


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, None, ""),
        ({"build": OWN.model_copy(update={"streamify": "0.9"})}, "ray-node-unfit", "Streamify 0.9"),
        ({"build": OWN.model_copy(update={"av": "17.0"})}, "ray-node-unfit", "PyAV 17.0"),
        ({"build": OWN.model_copy(update={"machine": "aarch64"})}, "ray-node-unfit", "aarch64"),
        ({"time": 1000 - 3600}, "ray-node-clock", "3600 s"),
        ({"time": 1000 + 3600}, "ray-node-clock", "3600 s"),
        ({"time": 1000 + 60}, None, ""),
    ],
)
def test_a_node_must_be_like_the_driver(changes: dict[str, object], code: str | None, words: str) -> None:
    found = unfit(card(**({"time": 1000} | changes)), OWN, 1000, 1000)
    assert (found.code if found is not None else None) == code
    if found is not None:
        assert isinstance(found, DestinationError)
        assert words in found.message
        assert "node-1" in found.message
        assert found.hint


TRACEBACK = """ray::_place() (pid=7, ip=10.0.0.2)
  File "/opt/streamify/lib/python3.12/site-packages/streamify/executors/ray/wire.py", line 9, in <module>
    from streamify.model.base import Frozen
{}: {}"""


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("ModuleNotFoundError", "No module named 'streamify'", "node 10.0.0.2 does not have Streamify"),
        ("ModuleNotFoundError", "No module named 'streamify.executors.ray.node'", "does not have Streamify"),
        ("ModuleNotFoundError", "No module named 'pydantic'", "lacks a package that Streamify needs: no module p"),
        ("ImportError", "libx264.so: cannot open it", "cannot load what Streamify needs: libx264.so: cannot"),
    ],
)  # fmt: skip
def test_what_a_node_lacks_is_named(kind: str, said: str, told: str) -> None:
    found = not_loaded(TRACEBACK.format(kind, said))
    assert found is not None
    assert told in found
    assert not_loaded(TRACEBACK.format("ValueError", said)) is None
