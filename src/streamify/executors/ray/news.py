"""What a cluster tells the dispatcher."""

from __future__ import annotations

from dataclasses import dataclass

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
