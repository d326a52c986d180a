"""The line of jobs that wait for workers, and the leases of those that have them, in the media bucket.

Every change is a conditional put of one small object, so that calls at the same moment agree. A waiting job costs
nothing: its execution sleeps at a task token, which is answered when it is its turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from streamify.backends.aws.shares import Lease, fits, shares, slot
from streamify.dest.layout import TURN_LEASES, turn_key, turn_line
from streamify.model.base import Frozen
from streamify.storage.base import ConflictError
from streamify.storage.objects import ObjectStorage

SEEN = 60.0
"""Seconds after which an execution that holds workers is asked for again."""
ROUNDS, PAUSE = 5, 1.0
"""A job that has just got its turn has no map yet whose share can be changed: so often it is tried, seconds apart."""


class Ask(Frozen):
    """A job that asks for its turn."""

    run: str
    execution: str
    """ARN."""
    started: str
    """When the execution was, ISO 8601 with the offset ``Z``: its place in the line."""
    tasks: int
    token: str
    """That its execution waits at."""


class Leases(Frozen):
    """All leases of a stack, as they are kept."""

    leases: tuple[Lease, ...] = ()


class Machine(Protocol):
    """What Step Functions does for the line."""

    def runs(self, execution: str) -> bool:
        """Return whether an execution runs."""
        ...

    def answer(self, token: str, workers: int) -> bool:
        """Wake an execution; return whether it waited at that token."""
        ...

    def resize(self, execution: str, workers: int) -> bool:
        """Change how many tasks of a running map run at once; return whether that was done."""
        ...


class Turns:
    """Line and leases of a stack.

    Args:
        media: Rooted at the media bucket.
        machine: The state machine.
        workers: Of the stack.
        jobs: As of `streamify.backends.aws.shares.fits`.
        most: Tasks of one job that may run at once.
    """

    def __init__(self, media: ObjectStorage, machine: Machine, workers: int, jobs: int, most: int) -> None:
        self._media, self._machine = media, machine
        self._workers, self._jobs, self._most = workers, jobs, most

    def ask(self, asked: Ask) -> None:
        """Put a job into the line, which may be its turn at once. A job that has its turn is answered again."""
        self._sweep()
        for held in self._read()[1]:
            if held.run == asked.run:
                self._media.delete(self._key(asked))  # of a call that was lost before it did
                self._machine.answer(asked.token, held.told)
                return
        self._media.put(self._key(asked), asked.to_json())
        self._admit()
        self._settle()

    def end(self, run: str) -> None:
        """Take back the workers of a job, and give them to others."""
        self._change(lambda held: [one for one in held if one.run != run])
        self._admit()
        self._settle()

    def _admit(self) -> None:
        """Give all jobs their turn that fit, the oldest first."""
        while True:
            saved, held = self._read()
            found = next(self._fitting(held), None)
            if found is None:
                return
            key, asked = found
            lease = Lease(run=asked.run, execution=asked.execution, tasks=self._wanted(asked), seen=time.time())
            others = [one for one in held if one.run != asked.run]
            written = self._write(saved, [*others, lease])
            if written is None:
                continue  # another call was faster
            self._media.delete(key)
            if not self._machine.answer(asked.token, written[-1].told) and not self._machine.runs(asked.execution):
                # It was ended while it waited. One that runs asks again, and is answered then.
                self._change(lambda now: [one for one in now if one.run != asked.run])  # noqa: B023 - called at once

    def _settle(self) -> None:
        """Tell running jobs their shares where they have changed."""
        for number in range(ROUNDS):
            time.sleep(PAUSE if number else 0)
            late = [one for one in self._read()[1] if one.told != one.share]
            told = {one.run: one.share for one in late if self._machine.resize(one.execution, one.share)}
            self._change(lambda held: [_updated(one, told=told.get(one.run, one.told)) for one in held])  # noqa: B023
            if len(told) == len(late):
                return

    def _fitting(self, held: Sequence[Lease]) -> Iterator[tuple[str, Ask]]:
        """Yield the first job of each line if it fits."""
        for small in (True, False):
            for listed in self._media.list(turn_line(small=small)):
                data = self._media.get(listed.key)
                if data is None:
                    continue  # it was given its turn at this moment
                asked = Ask.from_json(data)
                if fits(held, self._wanted(asked), self._workers, self._jobs):
                    yield listed.key, asked
                break

    def _wanted(self, asked: Ask) -> int:
        return max(1, min(asked.tasks, self._most))

    def _key(self, asked: Ask) -> str:
        small = self._wanted(asked) <= slot(self._workers, self._jobs)
        return turn_key(asked.started, asked.run, small=small)

    def _sweep(self) -> None:
        """Take back the workers of executions that have ended and did not say so."""
        now = time.time()
        doubtful = [one for one in self._read()[1] if now - one.seen > SEEN]
        gone = {one.run for one in doubtful if not self._machine.runs(one.execution)}
        asked = {one.run for one in doubtful}
        self._change(
            lambda held: [_updated(one, seen=now) if one.run in asked else one for one in held if one.run not in gone]
        )

    def _change(self, change: Callable[[Sequence[Lease]], list[Lease]]) -> None:
        while True:
            saved, held = self._read()
            now = change(held)
            if now == list(held) or self._write(saved, now) is not None:
                return

    def _read(self) -> tuple[bytes | None, tuple[Lease, ...]]:
        data = self._media.get(TURN_LEASES)
        return data, Leases.from_json(data).leases if data is not None else ()

    def _write(self, saved: bytes | None, held: Sequence[Lease]) -> tuple[Lease, ...] | None:
        """Share the workers anew and keep that; ``None``: somebody else has changed it. A new job is told its share."""
        given = shares([one.tasks for one in held], self._workers)
        now = tuple(_updated(one, share=share, told=one.told or share) for one, share in zip(held, given, strict=True))
        data = Leases(leases=now).to_json()
        if saved is None:
            try:
                self._media.put_new(TURN_LEASES, data)
            except ConflictError:
                return None
        elif not self._media.swap(TURN_LEASES, saved, data):
            return None
        return now


def _updated(lease: Lease, **fields: float) -> Lease:
    return lease.model_copy(update=fields)
