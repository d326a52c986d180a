"""Which files a process may read, by Landlock (Linux 5.13 and later): those of Python and of the system, no others.

A process that decodes media of strangers stands beside files and processes of the same user that hold credentials:
``~/.aws``, tokens of Kubernetes and of Ray, the environment of Ray's own processes. seccomp(2) cannot tell one path
from another. Landlock can, and refuses every look into processes outside besides.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls, of these numbers on every architecture."""
_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3  # linux/landlock.h: LANDLOCK_ACCESS_FS_*
_PR_SET_NO_NEW_PRIVS = 38
SYSTEM = ("/usr", "/lib", "/lib64", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
          "/sys/devices/system/cpu", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom")  # fmt: skip
"""What any program may have to read, and holds no secrets."""


def confine() -> bool:
    """Let this thread, and those that it starts, read files of Python and of the system alone; for good.

    Call it before there is another thread: those go on as they were.

    Returns:
        Whether it holds: older kernels have no Landlock.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    handled = _EXECUTE | _READ_FILE | _READ_DIR
    ruleset = libc.syscall(CREATE_RULESET, struct.pack("=Q", handled), ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return False
    try:
        for path in {*SYSTEM, *_of_python()}:
            with suppress(OSError):
                _allow(libc, ruleset, path)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _of_python() -> Iterator[str]:
    """Yield the folders from which this process imports, and those of the interpreter and its libraries."""
    yield from (sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent))
    yield from (path for path in sys.path if path)
    yield from (path for path in re.split("[:;]", os.environ.get("LD_LIBRARY_PATH", "")) if path)  # ld.so(8)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    """Add a path to what may be read.

    Raises:
        OSError: There is none.
    """
    opened = os.open(path, os.O_PATH)
    try:
        rights = _EXECUTE | _READ_FILE | (_READ_DIR if Path(path).is_dir() else 0)
        rule = struct.pack("=Qi", rights, opened)
        if libc.syscall(ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_add_rule", path)
    finally:
        os.close(opened)
