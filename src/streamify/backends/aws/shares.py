"""How jobs share the workers of a stack: which may start, and how many tasks of each run at once. Pure.

Tasks beyond what Lambda runs at once are throttled, and every try of a throttled task is a paid state transition. So
jobs ask before their first task, and all of them together get no more workers than there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamify.model.base import Frozen

RESERVE = 10
"""One of so many workers that the account allows is left to split, assemble and whatever else the account runs."""


class Lease(Frozen):
    """The workers of a job that has its turn."""

    run: str
    execution: str
    """ARN; the lease ends with it."""
    tasks: int
    """Of the job that may run at once: no more than it has, nor than MaxConcurrency."""
    share: int = 0
    """Of them, how many run at once."""
    told: int = 0
    """The share that the execution was told last."""
    seen: float
    """When its execution last was known to run, seconds since the epoch."""


def workers_of(quota: int) -> int:
    """Return the workers of a stack, by the number of concurrent executions of its account."""
    return max(1, quota - -(-quota // RESERVE))


def slot(workers: int, jobs: int) -> int:
    """Return the workers that every one of `jobs` jobs gets; a job without more tasks than that is small."""
    return max(1, workers // jobs)


def fits(leases: Iterable[Lease], tasks: int, workers: int, jobs: int) -> bool:
    """Return whether one more job may start.

    Small jobs wait only for small ones, so that a film of a minute is never behind films of hours. Both kinds together
    start no more than two jobs for each slot.

    Args:
        leases: Of the jobs that have their turn.
        tasks: Of the job.
        workers: Of the stack.
        jobs: That run at once, where all are large.
    """
    size = slot(workers, jobs)
    alike = [min(one.tasks, size) for one in leases if (one.tasks <= size) == (tasks <= size)]
    return not alike or sum(alike) + min(tasks, size) <= workers


def shares(tasks: Sequence[int], workers: int) -> list[int]:
    """Return the workers of each job: as even as can be, none more than it has tasks for, none less than one.

    Args:
        tasks: Of each job.
        workers: Of the stack.
    """
    left, found = workers, [0] * len(tasks)
    order = sorted(range(len(tasks)), key=tasks.__getitem__)
    for place, index in enumerate(order):
        found[index] = max(1, min(tasks[index], left // (len(order) - place)))
        left = max(0, left - found[index])
    return found
