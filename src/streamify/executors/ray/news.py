"""What a cluster tells the dispatcher."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streamify.executors.ray.wire import Card
from streamify.executors.wire import Progress


@dataclass(frozen=True)
class Node:
    """A node that takes tasks."""

    id: str
    host: str
    cores: int
    memory: int
    """Bytes that tasks may ask for."""


def usable(there: Iterable[Mapping[str, Any]]) -> tuple[Node, ...]:
    """Return the nodes that take tasks, of those that Ray lists."""
    found = []
    for one in there:
        resources = one["Resources"]
        cores, memory = int(resources.get("CPU", 0)), int(resources.get("memory", 0))
        if one["Alive"] and cores:
            found.append(Node(one["NodeID"], one["NodeManagerHostname"], cores, memory))
    return tuple(found)


@dataclass(frozen=True)
class Asked:
    """A process of a node has a place free and asks what to do there."""

    number: int
    card: Card


@dataclass(frozen=True)
class Told:
    """A task is part done."""

    number: int
    progress: Progress


@dataclass(frozen=True)
class Part:
    """A piece of a reply."""

    number: int
    piece: bytes


@dataclass(frozen=True)
class Ended:
    """A place was given back: with a reply, or with the number of its pieces; with neither where nothing was done."""

    number: int
    reply: bytes | None
    pieces: int = 0


@dataclass(frozen=True)
class Lost:
    """A place was lost, with what ran there."""

    number: int
    code: str
    cause: str
    unfit: bool = False
    """Whether the node cannot run anything: another attempt there ends alike."""


@dataclass(frozen=True)
class Gone:
    """The cluster does not answer any more."""

    cause: str
    full: bool = False
    """Whether memory is all that it lacks: what Streamify starts there is ended at once."""


News = Asked | Told | Part | Ended | Lost | Gone
