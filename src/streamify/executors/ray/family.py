"""The processes of a Ray that was started here: they inherit a variable, by which their ends can be waited for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

VARIABLE = "RAY_STARTED_IN"
"""Holds the folder of a Ray that was started here, in the environment of all its processes."""
PATIENCE = 10.0
"""Seconds."""
AGAIN = 0.02
"""Seconds from look to look."""


@contextmanager
def named(folder: str) -> Iterator[None]:
    """Have processes that are started in the body, and those that these start, inherit a folder as their mark."""
    os.environ[VARIABLE] = folder
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def wait_for_processes(folder: str) -> None:
    """Return once no process runs that has a folder as its mark, after `PATIENCE` at the latest.

    Workers are no children of this process, and end by themselves once their raylet is gone: soon, but after Ray says
    that it has ended.
    """
    deadline = time.monotonic() + PATIENCE
    left = _all_of(folder)
    while left and time.monotonic() < deadline:
        time.sleep(AGAIN)
        left = [process for process in left if _is_of(process, folder)] or _all_of(folder)


def _all_of(folder: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_of(process, folder)]


def _is_of(process: psutil.Process, folder: str) -> bool:
    with suppress(psutil.Error):  # it has ended, or is another user's
        return process.environ().get(VARIABLE) == folder
    return False
