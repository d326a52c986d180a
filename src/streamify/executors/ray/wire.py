"""What driver and nodes say to each other: JSON alone, and nothing of it is large enough for Ray's object store."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from streamify._version import __version__
from streamify.executors.wire import Work
from streamify.machine.cpu import cpu_facts
from streamify.machine.limits import GIB
from streamify.model.base import Frozen
from streamify.model.task import Budget

STEP = GIB // 4
"""Bytes in which memory is asked for, so that few kinds of requests stand in Ray's queue."""
LARGEST = 48 << 10
"""Bytes of what is sent at once. Ray passes up to 100 KiB along by itself, and keeps in its store what is larger."""


def asked_memory(budget: Budget) -> int:
    """Return the bytes that a task of that budget asks a node for, beside one core.

    It may use more cores, where they would else idle or somebody waits for it. Asked for, they would keep it from a
    node that has one core free, and out of places that were asked for before.
    """
    return -(-budget.memory_bytes // STEP) * STEP


class Build(Frozen):
    """What decides what a process makes of a task: it must be the same on driver and nodes."""

    streamify: str
    av: str
    """Version of PyAV, which brings the codecs."""
    machine: str
    """Architecture."""

    @classmethod
    def here(cls) -> Build:
        """Return that of this process."""
        try:
            codecs = version("av")
        except PackageNotFoundError:
            codecs = "none"
        return cls(streamify=__version__, av=codecs, machine=platform.machine())


class Card(Frozen):
    """What a process of a node says of itself before it gets a task."""

    node: str
    """Id that Ray gave it."""
    host: str
    pid: int
    time: float
    """Of its clock, seconds since the epoch."""
    build: Build
    features: tuple[str, ...]
    """Of its processor, by which codecs choose their code paths."""
    python: str = sys.version.split()[0]

    @property
    def name(self) -> str:
        """As attempts name it."""
        return f"{self.host}:{self.pid}"


def features() -> tuple[str, ...]:
    """Return those of this machine's processor."""
    return cpu_facts()[1]


class Given(Frozen):
    """What a process of a node is given to do."""

    work: Work
    job: str
    """Unique among jobs: a process that decodes serves no other."""
    marker: str | None = None
    """What `streamify.executors.ray.node.mark` must return, where DEST is a folder; ``None``: of an object store."""
    reached: bool = False
    """Whether a process of a node has reached the object stores of this job already."""
    worker: str | None = None
    """``MODULE:NAME`` of what returns the sealed worker; ``None``: the usual one."""
