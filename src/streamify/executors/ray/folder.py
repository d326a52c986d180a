"""The folder of a Ray of this machine: gone with it, and where its driver was killed, with the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "streamify-"
LOCK = "driver.lock"
"""Locked for as long as the driver lives: the kernel lets go of it, however that ends."""
LONGEST = 19
"""Characters of the folder for temporary files: names of sockets below may have 107 bytes."""


@contextmanager
def ray_folder() -> Iterator[str]:
    """Give a new folder, and remove it at the end; remove those first whose drivers were killed."""
    base = tempfile.gettempdir()
    base = base if len(base) <= LONGEST else "/tmp"  # noqa: S108 - the folder below is its user's alone
    sweep(Path(base))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = os.open(folder / f"{LOCK}.new", os.O_RDWR | os.O_CREAT, 0o600)  # which no child inherits
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / f"{LOCK}.new").rename(folder / LOCK)  # locked from its first moment
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(base: Path) -> None:
    """Remove the folders of drivers that do not live any more."""
    for lock in base.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):  # of another user, or gone meanwhile
            opened = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(opened)
