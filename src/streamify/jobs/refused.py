"""A source that is refused before there is a plan leaves no trace at a DEST that was new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from streamify.dest.layout import PLAN, TOP
from streamify.errors import CapExceeded, DestinationError, SourceError, UsageError
from streamify.executors.base import TaskError
from streamify.jobs.hold_base import Hold
from streamify.jobs.state_files import remove_whatever
from streamify.model.location import Location
from streamify.storage.base import Storage


class NewDest:
    """DEST as it was before a job began, so that it can be made so again.

    Args:
        dest: Where it is; it need not exist.
        media: Rooted there.
    """

    def __init__(self, dest: Location, media: Storage) -> None:
        self._dest, self._media = dest, media
        self._new = not media.names()
        path = None if dest.remote else dest.path
        self._missing = [one for one in (path, *path.parents) if not one.exists()] if path is not None else []

    @contextmanager
    def cleared(self, hold: Hold) -> Iterator[None]:
        """Remove what a job has written where its source is refused; DEST is held by `hold` and was empty."""
        try:
            yield
        except (SourceError, UsageError, CapExceeded, TaskError):
            if self._new and hold.alone:
                with suppress(DestinationError, OSError):  # the error of the source is what counts
                    self._clear()
            raise

    def _clear(self) -> None:
        if self._media.get(PLAN) is not None:
            return
        for name in TOP.intersection(self._media.names()):  # the first segment may be made before all is known
            if not self._dest.remote:
                remove_whatever(self._dest.path / name)
        if self._dest.remote:
            for entry in list(self._media.list()):
                if entry.key.split("/")[0] in TOP:
                    self._media.delete(entry.key)
        for folder in self._missing:
            folder.rmdir()
