"""Whether a process of this machine has a file open for writing."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path


def is_being_written(path: Path) -> bool:
    """Return whether a process of this machine has a file open for writing; where nobody can tell, False.

    The kernel grants a read lease on a file only as long as nobody has it open for writing (fcntl(2), F_SETLEASE). It
    can tell on local file systems, of files of one's own, or of all files with CAP_LEASE.
    """
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        # A writer who comes while we have the lease makes the kernel send a signal. By default it is SIGIO, which ends
        # a process; SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # a file system without leases, or somebody else's file
        return False
    finally:
        os.close(descriptor)
    return False
