"""The Ray of this machine that all tests of a session share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamify.executors.retry import Retry
from streamify.machine.limits import GIB
from streamify.model.backoff import Backoff

if TYPE_CHECKING:
    from streamify.executors.ray.pool import RayPool

CORES = 2


@contextmanager
def started() -> Iterator[RayPool]:
    """Give a pool that runs tasks of `faults.worker`; others without an address use its Ray as well."""
    from streamify.executors.ray.pool import RayPool

    quick = Retry(backoff=Backoff(first=0.02, factor=4, longest=30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where workers find `faults`
        pool = RayPool(None, cores=CORES, memory=4 * GIB, retry=quick, worker="faults.on_node:sealed_worker")
    yield pool
    pool.shutdown(cancel=True)
