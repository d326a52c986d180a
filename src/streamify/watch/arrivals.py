"""From what changes in UPLOADS to uploads that are whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from streamify.errors import StreamifyError
from streamify.watch.changes import Changes
from streamify.watch.settling import Settling
from streamify.watch.uploads import Seen, Uploads

IsKnown = Callable[[str], bool]


class Arrivals:
    """Looks at UPLOADS, and gives each version of an upload out once it has settled.

    Args:
        uploads: Where they arrive.
        changes: Says where to look.
        quiet: Seconds without a change after which an upload counts as whole.
        is_known: Whether a version, by its id, was decided on before.
        warn: Takes lines about what is wrong.
    """

    def __init__(
        self, uploads: Uploads, changes: Changes, quiet: float, is_known: IsKnown, warn: Callable[[str], None]
    ) -> None:
        self._uploads, self._changes, self._is_known, self._warn = uploads, changes, is_known, warn
        self._settling = Settling(quiet, own_clock=uploads.own_clock)
        self._fault = ""
        self._orphans: set[str] = set()
        self.looked = False
        """Whether everything was looked at once."""

    @property
    def quiet(self) -> float:
        """Seconds without a change after which an upload counts as whole."""
        return self._settling.quiet

    @property
    def waiting(self) -> list[str]:
        """Keys of uploads that have not settled yet."""
        return self._settling.keys

    def settled(self) -> Iterator[Seen]:
        """Look where something changed; yield the uploads that have settled."""
        now = time.monotonic()
        keys = self._changes.take(now)
        try:
            for key in [""] if keys is None else sorted(keys):
                for seen in self._uploads.below(key):
                    self._see(seen, now)
            if keys is None:
                self.looked = True
                self._tell_orphans()
            for key in self._settling.keys if keys is not None else ():
                self._look_again(key, now)
        except StreamifyError as error:
            self._changes.retry(now)
            if error.message != self._fault:
                self._warn(f"{error}; tried again")
            self._fault = error.message
            return
        if keys is None:
            self._fault = ""
        for seen in list(self._settling.settled(now)):
            if self._uploads.is_being_written(seen.key):
                self._settling.touch(seen.key, now)
            else:
                self._settling.forget(seen.key)
                yield seen

    def current(self, key: str) -> Seen | None:
        """Return an upload as it is now; ``None``: it is gone.

        Raises:
            DestinationError: UPLOADS cannot be read.
        """
        return next((seen for seen in self._uploads.below(key) if seen.key == key), None)

    def _see(self, seen: Seen, now: float) -> None:
        if self._is_known(seen.id):
            self._settling.forget(seen.key)
        else:
            self._settling.see(seen, now, time.time())

    def _look_again(self, key: str, now: float) -> None:
        """Follow an upload that waits: nothing tells that it grows on file systems that tell nothing."""
        seen = self.current(key)
        if seen is None:
            self._settling.forget(key)
        else:
            self._see(seen, now)

    def _tell_orphans(self) -> None:
        found = self._uploads.orphans()
        for key in sorted(found - self._orphans):
            self._warn(
                f"{key}: there is no upload of that name; the settings of film.mp4 belong in film.mp4.streamify.yaml"
            )
        self._orphans = found
