"""Writes the events of a job to ``--events``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from streamify.cli.writer import BackgroundWriter
from streamify.errors import UsageError, counted

if TYPE_CHECKING:
    from streamify.model.event import Event

LIMIT = 16 << 20
"""Bytes of events that wait for a reader."""


@contextlib.contextmanager
def recording(path: Path, warn: Callable[[str], None]) -> Iterator[Callable[[Event], None]]:
    """Give the function that appends an event to `path`; what happens to the file never stops a job.

    Raises:
        UsageError: ``events-unwritable``.
    """

    def failed(error: OSError) -> None:
        warn(f"no more events are written to {path}: {error.strerror}")

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        message = f"cannot write events to {path}: {error.strerror}"
        raise UsageError("events-unwritable", message, "check the path of --events") from error
    writer = BackgroundWriter(descriptor, limit=LIMIT, on_error=failed)
    written = False
    try:
        yield lambda event: writer.put(event.to_json() + b"\n", droppable=event.kind == "task.progress")
    finally:
        written = writer.flush()
        if written:
            os.close(descriptor)  # else a thread still writes to it; the end of the process closes it
        if writer.dropped or not written:
            lost = f" and dropped {counted(writer.dropped, 'event')}" if writer.dropped else ""
            warn(f"whoever reads {path} did not take all events in time: gave up{lost}")
