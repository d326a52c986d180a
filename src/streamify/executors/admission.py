"""Which tasks may run beside each other, by the memory of their budgets. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streamify.model.task import Budget


def admits(memory: int, running: Iterable[Budget], budget: Budget) -> bool:
    """Return whether a task may start: what runs and it fit into `memory` bytes together, or nothing runs."""
    used = [one.memory_bytes for one in running]
    return not used or sum(used) + budget.memory_bytes <= memory


def width(capacity: int, memory: int, budget: Budget) -> int:
    """Return how many tasks of one budget run side by side, of `capacity` at most."""
    return max(1, min(capacity, memory // max(1, budget.memory_bytes)))
