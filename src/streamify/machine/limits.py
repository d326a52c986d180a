"""What a worker process may use at most; set in the worker before any media is opened."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Annotated

from pydantic import Field

from streamify.model.base import Frozen

GIB = 1 << 30
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class WorkerLimits(Frozen):
    """Limits of one worker process."""

    address_bytes: Annotated[int, Field(ge=1 << 28)] = 64 * GIB
    """Hard limit of the address space (RLIMIT_AS); each task has a soft limit below it, see `allow_memory`."""
    open_files: Annotated[int, Field(ge=16)] = 256
    """Open files (RLIMIT_NOFILE)."""
    file_bytes: Annotated[int, Field(ge=0)] = 4 * GIB
    """Size of any file that is written (RLIMIT_FSIZE)."""
    recycle_bytes: Annotated[int, Field(ge=1)] = GIB
    """A worker whose resident size is above this, and above 1.5 times its task's budget, after a task is replaced."""

    def recycle_above(self, memory_bytes: int) -> int:
        """Return the resident size above which a worker leaks, after a task with a budget of `memory_bytes`."""
        return max(self.recycle_bytes, 3 * memory_bytes // 2)


def address_bytes(memory_bytes: int) -> int:
    """Return the address space for a task whose predicted peak is `memory_bytes` of resident size.

    Generous, because it is there to stop runaways: libraries, thread stacks and allocator slack come on top. A
    2160/1440/1080/720 ladder from 4K frames (x264 medium, one thread each) peaked at 2462 MiB resident and 3190 MiB
    of addresses (PyAV 18.1, 2026-11).
    """
    return max(6 * GIB, 3 * memory_bytes + 2 * GIB)


def apply_limits(limits: WorkerLimits) -> None:
    """Lower the limits of this process."""
    _lower(resource.RLIMIT_AS, limits.address_bytes)
    allow_memory(0)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_CORE, 0)


def allow_cpu(seconds: int) -> None:
    """Let this process use `seconds` of CPU from now on; above that the kernel ends it with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (_least(soft, hard), hard))


def allow_memory(memory_bytes: int) -> None:
    """Let this process have the address space of a task of that budget; above it, allocations fail."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_least(address_bytes(memory_bytes), hard), hard))


def die_with_driver(driver: int) -> None:
    """Ask the kernel to kill this process when the driver dies, even while C code never lets Python run again.

    Linux only; elsewhere the thread that watches the driver's pipe does it as soon as Python runs.
    The signal is bound to the *thread* that started this process, so that thread must live as long as its workers.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")
    if os.getppid() != driver:  # it died before the request
        os._exit(0)


def _lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = _least(value, hard)
    resource.setrlimit(which, (value, value))


def _least(value: int, hard: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
