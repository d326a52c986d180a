"""Places on a cluster: what is asked for there, and what a dispatcher needs of the cluster."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Protocol

from streamify.executors.ray.news import News, Node
from streamify.executors.ray.wire import Card
from streamify.executors.waiting import Job


class Places(Protocol):
    """What the dispatcher needs of a cluster; see `streamify.executors.ray.cluster.Cluster`."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Those that take tasks."""

    @property
    def local(self) -> bool:
        """Whether it is this machine alone."""

    @property
    def join(self) -> str:
        """Address that a machine gives to `ray start` to become a node."""

    def ask_for(self, number: int, memory: int, node: str | None) -> None:
        """Ask for a place of one core and so many bytes; with `node`, on that one alone."""

    def answer(self, number: int, given: bytes | None) -> None:
        """Tell a process that asked what to do."""

    def cut_off(self, number: int) -> None:
        """End a place and what runs there."""

    def forget(self, number: int) -> None:
        """Expect nothing of a place any more, which is on a node that is gone, or waits there; nobody waits for it."""

    def wait(self, seconds: float) -> list[News]:
        """Return what has happened, after `seconds` at the latest."""

    def close(self) -> None:
        """Cut off all places that are left."""


@dataclass(eq=False)
class Place:
    """A place that was asked for, until it is over."""

    number: int
    memory: int
    """Bytes that it was asked for with."""
    node: str | None = None
    """Id of the only node on which it may be; ``None``: on any."""
    asked: float = field(default_factory=time.time)
    """When, seconds since the epoch."""
    queued: float = field(default_factory=time.monotonic)
    """The same moment on the monotonic clock."""
    card: Card | None = None
    """Of the process that has it; ``None``: it waits in Ray's queue."""
    job: Job | None = None
    dismissed: bool = False
    """Whether there was nothing to do in it, or what it does counts no more."""
    deadline: float = math.inf
    """When what runs there must be done."""
    pieces: list[bytes] = field(default_factory=list)
    """Of its reply, as far as they have come."""
    wanted: int = 0
    """How many of them there are, once it is over."""
    straggler: Job | None = None
    """What it was asked for: a second attempt at a job that takes long."""
    since: float = 0
    """When its job began, on the monotonic clock."""

    @property
    def waits(self) -> bool:
        """Whether Ray has not given it yet, and it is of use."""
        return self.card is None and not self.dismissed

    @property
    def on(self) -> str | None:
        """Id of its node; ``None``: Ray chooses it."""
        return self.card.node if self.card is not None else self.node

    @property
    def worker(self) -> str:
        """As attempts name it."""
        return self.card.name if self.card is not None else ""
