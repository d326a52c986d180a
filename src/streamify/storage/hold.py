"""A folder belongs to one job at a time; the same job may run there twice, another one is sent away.

The kernel gives the lock up with the process that holds it, however that ends. Object stores have none.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from streamify.dest.layout import LOCK
from streamify.errors import DestinationError
from streamify.model.location import Location


@contextmanager
def holding(dest: Location, job: str, *, new: bool = True) -> Iterator[None]:
    """Hold DEST for `job` until the end.

    Args:
        dest: Object stores are not held.
        job: What is equal for two runs that make the same.
        new: Make the lock where there is none; else a DEST that nobody holds is left as it is.

    Raises:
        DestinationError: ``dest-busy``, a run of another job holds it.
    """
    if dest.remote:
        yield
        return
    path = dest.path / LOCK
    if not (new or path.exists()):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _take(file, str(dest), job.encode())
        yield
    finally:
        os.close(file)


def _take(file: int, dest: str, job: bytes) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(file, fcntl.LOCK_SH)  # waits only while another run writes its name
    else:
        os.ftruncate(file, 0)
        os.pwrite(file, job, 0)
        fcntl.flock(file, fcntl.LOCK_SH)
    if os.pread(file, 1 << 20, 0) != job:
        raise DestinationError(
            "dest-busy",
            f"another run, with another source or other settings, is at work at {dest}",
            "wait for its end, stop it, or name another DEST",
        )
