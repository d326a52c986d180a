"""An executor whose processes, threads and descriptors are all gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from executor_bench import Bench, Clock
from leaks import open_descriptors, own_threads
from streamify.executors.local import dispatch, slot
from streamify.executors.ray import asking as ray_asking
from streamify.executors.ray import dispatch as ray_dispatch


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    descriptors, threads = open_descriptors(), own_threads()
    bench = Bench(tmp_path)
    yield bench
    for engine in bench.engines:
        engine.shutdown(cancel=True)
    assert bench.processes() == set()
    assert own_threads() <= threads  # what others in this process had may have ended
    assert open_descriptors() <= descriptors  # or been closed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Deadlines can be minutes away, which no busy machine needs, and pass when a test says so."""
    clock = Clock()
    for module in (dispatch, slot):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def sound_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Ray, tasks whose key begins with ``sound`` stand for those that make sound."""
    for module in (ray_asking, ray_dispatch):
        monkeypatch.setattr(module, "is_sound", lambda task: task.key.startswith("sound"))
