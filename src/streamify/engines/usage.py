"""How much memory this process uses."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import psutil


def resident_bytes() -> int:
    """Return the resident size of this process now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """Return the largest resident size of this process so far.

    Not `ru_maxrss` on Linux: that one is inherited over fork and exec, so that a small worker of a large driver
    would report the driver's size.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
