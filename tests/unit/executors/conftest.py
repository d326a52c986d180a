"""An executor whose processes, threads and descriptors are all gone at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor_bench import Bench, open_descriptors


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    descriptors, threads = open_descriptors(), threading.active_count()
    bench = Bench(tmp_path)
    yield bench
    for engine in bench.engines:
        engine.shutdown(cancel=True)
    assert bench.processes() == set()
    assert threading.active_count() == threads
    assert open_descriptors() <= descriptors  # what others in this process held may have been closed
