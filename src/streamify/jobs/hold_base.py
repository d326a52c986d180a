"""What it is to hold DEST, and what those are told who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streamify.errors import DestinationError
from streamify.model.job import Claim
from streamify.model.location import Location

BEAT = 5.0
"""Seconds between two signs of life in an object store."""
LEASE = 30.0
"""Seconds without one after which a holder counts as dead."""

IsRunning = Callable[[Claim], bool]
"""Whether the execution that a claim names runs on AWS."""


class Hold(Protocol):
    """DEST is ours as long as this is entered."""

    @property
    def alone(self) -> bool:
        """Whether this run holds it, and no other one of the same job did before."""

    def beat(self) -> None:
        """Show that we live; to be called every `BEAT` seconds.

        Raises:
            DestinationError: As `check`; or the store cannot be reached, which may pass.
        """

    def check(self) -> None:
        """Make sure that it still is, before something is published or removed.

        Raises:
            DestinationError: ``dest-taken``, another job holds DEST by now.
        """


def busy(dest: Location, held: Claim | None) -> DestinationError:
    """Return the error for a DEST that another job holds."""
    who = f": {describe(held)}" if held is not None else ""
    return DestinationError(
        "dest-busy",
        f"another job, with another source or other settings, runs at {dest}{who}",
        "wait for its end, end it with `streamify cancel`, or name another DEST",
    )


def taken(dest: Location, held: Claim | None) -> DestinationError:
    """Return the error for a run whose DEST another job has taken over."""
    by = describe(held) if held is not None else "nobody that can be read"
    return DestinationError(
        "dest-taken",
        f"{dest} is held by {by} now: this run publishes nothing",
        "look at that job: `streamify status`",
    )


def describe(held: Claim) -> str:
    """Return who holds a DEST, in a few words."""
    host = held.host.partition(" ")[0]  # the rest tells apart containers that share a name
    return held.execution or (f"process {held.pid} on {host}" if held.pid else f"run {held.run}")
