"""A name in the file system that stands for a pipe: how a process that may write no file gives data to a library that
opens files by name, and goes by the end of the name."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

VARIABLE = "STREAMIFY_LINK"
"""Environment variable with the path of the link."""
_DESCRIPTOR = 250
"""That the link leads to in whatever process follows it; workers have at most 256."""
_PIPE_BYTES = 1 << 20
"""Capacity of a pipe that Linux allows any user."""


@contextmanager
def linked(name: str) -> Iterator[Path]:
    """Make the link for processes that cannot, in a folder for temporary files; give its path.

    It is the same for all processes of a user, and stays: who is killed leaves nothing that was not there before.

    Raises:
        OSError: It cannot be made.
    """
    folder = Path(tempfile.gettempdir(), f"streamify-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    if _is_private(folder):
        yield _make(folder, name)
    else:  # somebody else was there first, and could lead the link elsewhere
        with tempfile.TemporaryDirectory(prefix="streamify-") as own:
            yield _make(Path(own), name)


def _is_private(folder: Path) -> bool:
    facts = folder.lstat()
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and stat.S_IMODE(facts.st_mode) == 0o700


def _make(folder: Path, name: str) -> Path:
    link, new = folder / name, folder / uuid4().hex
    new.symlink_to(f"/proc/self/fd/{_DESCRIPTOR}")
    return new.replace(link)


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
