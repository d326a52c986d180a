"""How much memory this process uses."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import psutil


def resident_bytes() -> int:
    """Return the resident size of this process now."""
    return int(psutil.Process().memory_info().rss)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used; 0 where there is none of that number."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def peak_bytes(pid: int | None = None) -> int:
    """Return the largest resident size of a process so far; ``None``: of this one. 0 where there is none.

    Not `ru_maxrss` on Linux: that one is inherited over fork and exec, so that a small worker of a large driver
    would report the driver's size.
    """
    status = Path(f"/proc/{pid or 'self'}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if pid is not None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


SPARE = 1 << 30
"""Bytes of addresses; an honest picture, packet or table takes less."""


def memory_is_short() -> bool:
    """Return whether an allocation that failed may have been an honest one.

    Within limits of its own (`machine.limits`) a process that has `SPARE` left can have failed only at one that is not.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return soft == resource.RLIM_INFINITY or int(psutil.Process().memory_info().vms) > soft - SPARE
