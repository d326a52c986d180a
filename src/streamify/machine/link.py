"""A name in the file system that stands for a pipe: how a process that may write no file gives data to a library that
opens files by name, and goes by the end of the name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "STREAMIFY_LINK"
"""Environment variable with the path of the link."""
_DESCRIPTOR = 250
"""That the link leads to in whatever process follows it; workers have at most 256."""
_PIPE_BYTES = 1 << 20
"""Capacity of a pipe that Linux allows any user."""


def make_link(folder: Path, name: str) -> Path:
    """Make the link in a folder, for processes that cannot.

    Raises:
        OSError: It cannot be made.
    """
    link = folder / name
    link.symlink_to(f"/proc/self/fd/{_DESCRIPTOR}")
    return link


@contextmanager
def readable(link: Path, data: bytes) -> Iterator[Path]:
    """Let this process read `data` once from the path.

    Raises:
        OSError: The data is larger than a pipe.
    """
    reading, writing = os.pipe()
    try:
        try:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            os.set_blocking(writing, False)  # nobody reads yet: what does not fit now never will
            if os.write(writing, data) < len(data):
                raise OSError(0, "larger than a pipe")
        finally:
            os.close(writing)  # the end of the data
        os.dup2(reading, _DESCRIPTOR)
    finally:
        os.close(reading)
    try:
        yield link
    finally:
        os.close(_DESCRIPTOR)
