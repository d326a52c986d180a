"""The sealed worker of a node, round the tasks of `faults.worker`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache

from faults import worker
from streamify.executors.sealed import SealedWorker
from streamify.machine.seal import hide
from streamify.model.task import Task
from streamify.storage.serving import Reach


@dataclass(frozen=True)
class Everything(Reach):
    """Lets a task write what it likes."""

    def may_write(self, key: str) -> bool:
        return True


def everything(_: Task) -> Reach:
    return Everything()


@cache
def sealed_worker() -> SealedWorker:
    """Return the worker of this process of Ray."""
    hide()
    return SealedWorker(command=(sys.executable, "-P", worker.__file__), reach=everything)
