"""Temporary folders that go with their process, and where that was killed, with the next one that makes some."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "streamify-"
LOCK = "process.lock"
"""Locked for as long as the process lives: the kernel lets go of it, however that ends."""


@contextmanager
def temporary_folder(longest: int | None = None) -> Iterator[Path]:
    """Give a new folder, and remove it at the end; remove those first whose processes were killed.

    Args:
        longest: Characters that the path of the folder around it may have; where it is longer, ``/tmp`` is taken.
    """
    base = tempfile.gettempdir()
    base = base if longest is None or len(base) <= longest else "/tmp"  # noqa: S108 - the folder below is its user's
    sweep(Path(base))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = os.open(folder / f"{LOCK}.new", os.O_RDWR | os.O_CREAT, 0o600)  # which no child inherits
    try:
        with suppress(OSError):  # a file system without locks: nobody sweeps there
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / f"{LOCK}.new").rename(folder / LOCK)  # locked from its first moment
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(base: Path) -> None:
    """Remove the folders of processes that do not live any more."""
    for lock in base.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):  # of another user, or gone meanwhile
            opened = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(opened)
