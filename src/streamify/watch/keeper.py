"""MEDIA is watched over by one process at a time."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streamify.dest.media import WATCH
from streamify.errors import DestinationError, StreamifyError
from streamify.jobs.hold import holding
from streamify.jobs.hold_base import BEAT, Hold, IsRunning
from streamify.machine.host import this_host
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.storage.locate import open_storage


@contextmanager
def sole(media: Location, is_running: IsRunning) -> Iterator[Callable[[], None]]:
    """Be the only one who turns uploads into jobs below MEDIA; give a function that raises once that is over.

    Args:
        media: MEDIA.
        is_running: See `holding`.

    Raises:
        DestinationError: ``watch-busy``, another process does.
    """
    here = media.child(WATCH)
    name = secrets.token_hex(8)
    claim = Claim(job=name, run=name, engine="watch", host=this_host(), pid=os.getpid(), started=time.time())
    try:
        with holding(here, open_storage(here), claim, is_running) as hold:
            keeper = _Keeper(hold)
            thread = threading.Thread(target=keeper.run, name="streamify-keeper", daemon=True)
            thread.start()
            try:
                yield keeper.check
            finally:
                keeper.end.set()
                thread.join(timeout=5)
    except DestinationError as error:
        if error.code not in ("dest-busy", "dest-taken"):
            raise
        holder = error.message.rpartition(": ")[2] if error.code == "dest-busy" else "another process"
        raise DestinationError(
            "watch-busy",
            f"streamify watch runs for {media} already: {holder}",
            "one process serves all uploads of a MEDIA: end that one, or name another MEDIA",
        ) from error


class _Keeper:
    """Shows that this process lives, as long as it does."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._lost: StreamifyError | None = None
        self.end = threading.Event()

    def run(self) -> None:
        while not self.end.wait(BEAT):
            try:
                self._hold.beat()
            except StreamifyError as error:
                if error.code == "dest-taken":
                    self._lost = error
                    return

    def check(self) -> None:
        """Raise once MEDIA is not ours any more."""
        if self._lost is not None:
            raise self._lost
