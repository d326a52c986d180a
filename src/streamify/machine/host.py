"""The name of this machine, as far as process ids are concerned."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def this_host() -> str:
    """Return the name of this machine; two containers that share it differ in their namespace of process ids."""
    try:
        return f"{platform.node()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def process_lives(pid: int) -> bool:
    """Return whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
