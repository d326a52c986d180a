"""Demands of viewers that another process serves: a file for each below ``.streamify/demands`` while it is waited for.

The process that serves writes and removes them, the one that runs the job looks for them. A file that is not written
anew for `STALE` seconds counts no more: its writer was lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from streamify.dest.layout import DEMANDS, demand_key, demanded
from streamify.errors import StreamifyError
from streamify.jobs.demands import Demands, TooManyDemands
from streamify.jobs.repeated import repeated
from streamify.planning.agenda import Wanted
from streamify.storage.base import Storage

LOOK = 0.2
"""Seconds between two looks for demands: one listing of a folder that is mostly empty."""

STALE = 10.0
"""Seconds after which a demand that is not renewed is forgotten: longer than an answer waits."""


def ask(media: Storage, wanted: Wanted) -> None:
    """Ask for a segment, or ask again."""
    media.put(demand_key(wanted.track, wanted.segment), b"{}")


def take_back(media: Storage, wanted: Wanted) -> None:
    """Ask for a segment no more."""
    media.delete(demand_key(wanted.track, wanted.segment))


class AskedFor:
    """Hands what other processes ask for to a job.

    Args:
        media: Rooted at DEST, a folder.
        demands: Of the job.
    """

    def __init__(self, media: Storage, demands: Demands) -> None:
        self._media, self._demands = media, demands
        self._waiting: dict[Wanted, Future[None]] = {}

    def look(self) -> None:
        """Take in new demands, and forget those that were taken back."""
        found = set(self._found())
        for wanted in set(self._waiting) - found:
            self._demands.leave(wanted, self._waiting.pop(wanted))
        for wanted in sorted(found):
            if wanted not in self._waiting or self._waiting[wanted].done():
                try:
                    self._waiting[wanted] = self._demands.want(wanted, "elsewhere")
                except TooManyDemands:
                    return  # they are still there at the next look

    def _found(self) -> Iterator[Wanted]:
        for entry in self._media.list(DEMANDS):
            named, stat = demanded(entry.key), self._media.stat(entry.key)
            if named is None or stat is None:
                continue
            if time.time() - stat.modified > STALE:
                self._media.delete(entry.key)
            else:
                yield Wanted(*named)


@contextmanager
def heeding(media: Storage, demands: Demands) -> Iterator[None]:
    """Look for demands in a thread of its own while the body runs."""
    asked = AskedFor(media, demands)

    def look() -> bool:
        with suppress(StreamifyError):  # the job itself meets what is wrong with the folder, and says so
            asked.look()
        return True

    with repeated(look, LOOK, "streamify-asked"):
        yield
