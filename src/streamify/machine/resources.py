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
    """A few words for people, such as ``2 cores``."""


def read_machine() -> Machine:
    """Look at affinity, control groups and memory."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    group = read_cgroup()
    free = int(psutil.virtual_memory().available)
    return Machine(affinity, group.cpu_quota, free if group.free_memory is None else min(free, group.free_memory))


def choose_workers(*, affinity: int, cpu_quota: float | None, requested: int | None = None) -> WorkerChoice:
    """Return one worker a core, a quota rounded up so that no paid core idles; or the number that was asked for.

    Memory is no part of it: executors start a task only when its budget fits beside those that run.
    """
    if requested is not None:
        return WorkerChoice(requested, "as asked for")
    limit = f"{affinity} core{'s'[: affinity != 1]}"
    if cpu_quota is None or cpu_quota > affinity - 1:
        return WorkerChoice(affinity, limit)
    return WorkerChoice(max(1, math.ceil(cpu_quota)), f"a CPU quota of {cpu_quota:g} of {limit}")
