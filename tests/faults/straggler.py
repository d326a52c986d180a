"""``python straggler.py ADDRESS FOLDER``: has a straggler run on a Ray cluster.

A process of its own, because Ray has one connection in each. It writes outcome, worker and `second` of each attempt.
"""

# ruff: noqa: T201 - what it prints is read
from __future__ import annotations

import json
import sys
from pathlib import Path

from faults.worker import task
from stores import locations
from streamify.executors.ray.pool import RayPool
from streamify.planning.stragglers import Usual


def main() -> None:
    """Run."""
    folder = Path(sys.argv[2])
    setattr(Usual, "limit", lambda *_: 0.0)  # noqa: B010 - mypy refuses the plain assignment
    pool = RayPool(sys.argv[1], worker="faults.on_node:sealed_worker")
    executor = pool.executor(locations(folder / "uploads", folder / "media"), lambda _: None)
    future = executor.submit(task("stay:once"))  # for ever, but for another attempt
    future.result(timeout=120)
    pool.shutdown(cancel=True)
    print(json.dumps([(one.outcome, one.worker, one.second) for one in future.attempts]))


if __name__ == "__main__":
    main()
