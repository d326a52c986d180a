"""What tests compare to find out whether something was left behind in this process."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil

OURS = ("streamify", "encoders", "ahead", "writer", "display", "ThreadPoolExecutor")
"""How names of threads begin that our code starts. Others, such as Ray's, come and go as they like."""
LOOKING = "streamify-ray-look"


def own_threads() -> set[threading.Thread]:
    """Return our threads that are alive, but for a look at Ray's nodes.

    A look ends with its answer, and another begins every other second while any engine of this process is on Ray. Those
    of other tests may end at any time, as when the garbage collector finds their pool: what counts is that none came.
    """
    return {one for one in threading.enumerate() if one.name.startswith(OURS) and one.name != LOOKING}


def child_processes() -> set[psutil.Process]:
    """Return the processes that this one started, and those that they started, but for Ray's: these come and go."""
    found: set[psutil.Process] = set()
    for child in psutil.Process().children():
        if not any("/site-packages/ray/" in part for part in _command(child)):
            found.add(child)
            with suppress(psutil.NoSuchProcess):
                found.update(child.children(recursive=True))
    return found


def gone(pid: int) -> bool:
    """Return whether a process has ended. In a container nobody may take the exit status of orphans."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def open_descriptors() -> set[str]:
    """Return the descriptors of this process; none where Ray is loaded, which opens and closes them as it likes."""
    return set() if "ray" in sys.modules else {path.name for path in Path("/proc/self/fd").iterdir()}


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # it has ended, and nobody has taken its exit status yet
        return []
