"""What driver and worker say to each other: one JSON value a line, no pickles.

The driver writes a `Hello`, then one `Work` at a time, to the worker's stdin. The worker
answers with a `Reply` a line on a descriptor of its own, so that whatever prints to stdout or stderr does no harm.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from streamify.errors import Failure
from streamify.machine.limits import WorkerLimits
from streamify.machine.seal import Seal
from streamify.model.attempt import Usage
from streamify.model.base import Frozen
from streamify.model.progress import Unit
from streamify.model.result import Beginning, Result
from streamify.model.task import Task
from streamify.storage.locate import StoreLocations


class Hello(Frozen):
    """First line to a worker."""

    driver: int
    """Process id of the driver."""
    limits: WorkerLimits
    channel: int | None = None
    """Descriptor of a socket over which the driver serves the stores: the worker then seals itself. ``None``: it opens
    them by itself."""


class Work(Frozen):
    """Each further line: one task. Those that follow may be of other jobs, whose stores are elsewhere."""

    stores: StoreLocations | None = None
    """Of the task's job; ``None`` where they are served."""
    task: Task


class Ready(Frozen):
    """The worker's imports and limits are done."""

    kind: Literal["ready"] = "ready"
    seal: Seal | None = None
    """What of the seal holds, where the worker sealed itself."""


class Progress(Frozen):
    """The task is part done."""

    kind: Literal["progress"] = "progress"
    key: str
    """Of the task."""
    done: int
    total: int
    unit: Unit


class BeginningFound(Frozen):
    """Split knows the beginning of the film."""

    kind: Literal["begun"] = "begun"
    key: str
    """Of the task."""
    beginning: Beginning


class Done(Frozen):
    """The task gave a result."""

    kind: Literal["done"] = "done"
    result: Result
    usage: Usage


class Failed(Frozen):
    """The task raised."""

    kind: Literal["failed"] = "failed"
    failure: Failure
    usage: Usage
    exhausted: bool = False
    """Whether the process has no memory left: another attempt needs a fresh one."""


Reply = Ready | Progress | BeginningFound | Done | Failed
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])
