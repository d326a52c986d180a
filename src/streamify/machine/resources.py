"""How many workers this machine can feed."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import psutil

from streamify.machine.cgroup import read_cgroup


@dataclass(frozen=True)
class Machine:
    """What this process may use."""

    affinity: int
    """Cores that it may run on."""
    cpu_quota: float | None
    """Cores' worth of CPU time that its control group may use; ``None`` where there is no limit."""
    free_memory: int
    """Bytes that it can still get, from the machine or from its control group, whichever has less."""


@dataclass(frozen=True)
class WorkerChoice:
    """How many workers, and why."""

    count: int
    reason: str
    """A sentence for people, such as ``2 workers: 2 cores``."""
    warning: str = ""
    """What may go wrong with that number, or ""."""


def read_machine() -> Machine:
    """Look at affinity, control groups (v1 and v2) and memory."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    group = read_cgroup()
    free = int(psutil.virtual_memory().available)
    return Machine(affinity, group.cpu_quota, free if group.free_memory is None else min(free, group.free_memory))


def choose_workers(
    *, affinity: int, cpu_quota: float | None, free_memory: int, task_peak: int, requested: int | None = None
) -> WorkerChoice:
    """Return the least of cores, quota (rounded up: no paid core idles) and free memory over a task's peak.

    A number that the user asked for is taken as it is; where memory does not allow the number, there is a warning.
    """
    cores = affinity if cpu_quota is None else max(1, min(affinity, math.ceil(cpu_quota)))
    fit = free_memory // task_peak if task_peak > 0 else cores
    limit = f"{affinity} core{'s'[: affinity != 1]}"
    if cpu_quota is not None and cores < affinity:
        limit = f"a CPU quota of {cpu_quota:g} of {limit}"
    if requested is not None:
        count, why = requested, f"as asked for ({limit})"
    elif fit < cores:
        count = max(1, fit)
        why = f"{free_memory / 1e9:.1f} GB of free memory at {task_peak / 1e9:.1f} GB a worker ({limit})"
    else:
        count, why = cores, limit
    warning = ""
    if count > fit:
        warning = (
            f"{count} worker{'s'[: count != 1]} may need {count * task_peak / 1e9:.1f} GB of memory and "
            f"{free_memory / 1e9:.1f} GB are free"
        )
    return WorkerChoice(count, f"{count} worker{'s'[: count != 1]}: {why}", warning)
