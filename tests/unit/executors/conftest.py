"""An executor whose processes, threads and descriptors are all gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from executor_bench import Bench
from leaks import open_descriptors, own_threads


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    descriptors, threads = open_descriptors(), own_threads()
    bench = Bench(tmp_path)
    yield bench
    for engine in bench.engines:
        engine.shutdown(cancel=True)
    assert bench.processes() == set()
    assert own_threads() == threads
    assert open_descriptors() <= descriptors  # what others in this process held may have been closed
