"""What the harness needs of an engine: jobs that run beside it, and what is in flight of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaos.gate import Gate


@dataclass(frozen=True)
class End:
    """How a job ended: one attempt to make a stream."""

    done: bool
    killed: bool
    """Whether it was killed: it could say nothing."""
    code: str
    """Of its error; "": it had none, or said nothing."""
    said: str
    """All that it said, for messages."""

    @property
    def clean(self) -> bool:
        """Whether it ended well, or by an error of ours that says what happened."""
        return self.done or self.killed or self.code not in ("", "bug")


class Run(Protocol):
    """A job that runs."""

    def flying(self) -> dict[str, int]:
        """Return the tasks in flight, and the processes that have them."""

    def over(self) -> bool:
        """Return whether it has ended."""

    def kill(self) -> None:
        """End what carries the job out; its workers go on, or end by themselves."""

    def end(self) -> End:
        """Wait for the end."""

    def failed(self) -> list[str]:
        """Return the tasks that failed for good."""

    def tries(self) -> Counter[str]:
        """Return how often each task began."""

    def codes(self) -> list[str]:
        """Return the codes of attempts that failed."""


class Field(Protocol):
    """An engine, a source, and a store with a gate before it."""

    gate: Gate
    media: str
    """URL of the bucket of streams."""
    source: str
    """URL of the source."""
    clip: Path
    """The same file on this machine."""
    places: int
    """Tasks in flight at most."""

    def start(self, source: str, dest: str, *more: str, clock: float = 0) -> Run:
        """Start a job; with `clock`, what carries it out has a clock that is off by so many seconds.

        `more` is added to a command line.
        """

    def kill(self, worker: int) -> str:
        """End a worker; return what was done, in words."""

    def mend(self) -> None:
        """Put right what faults have broken but for storage: the next job finds all of it well."""

    def folder(self, name: str) -> Path:
        """Return the path of a folder that is not there yet."""

    def close(self) -> None:
        """End what belongs to the engine."""
