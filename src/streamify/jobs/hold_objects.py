"""A prefix in an object store is held by a claim that its holder counts up; one that stands still is taken over."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType

from streamify.dest.layout import CLAIM
from streamify.errors import StreamifyError
from streamify.jobs.claim import parse_claim, take
from streamify.jobs.hold_base import LEASE, IsRunning, busy, taken
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.storage.base import is_out_of_reach
from streamify.storage.objects import ObjectStorage


class ObjectHold:
    """Holds a prefix while it is entered. See `streamify.jobs.hold.holding`."""

    def __init__(
        self, media: ObjectStorage, dest: Location, claim: Claim, is_running: IsRunning, *, replace: bool
    ) -> None:
        self._media, self._dest, self._is_running, self._replace = media, dest, is_running, replace
        self._ours = claim
        self._held = claim
        """What the store holds: ours, or that of another run of the same job, as last seen."""
        self._seen = time.monotonic()
        """When `_held` was last seen to change."""
        self._lock = threading.Lock()  # one thread shows signs of life, another one publishes

    def __enter__(self) -> ObjectHold:
        self._held = take(self._media, self._ours, self._is_running, join=True, replace=self._replace)
        if self._held.job != self._ours.job:
            raise busy(self._dest, self._held)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if self._held.run == self._ours.run and not is_out_of_reach(error):
            ended = self._held.model_copy(update={"ended": time.time()})
            with suppress(StreamifyError):  # it ends by itself after a while
                self._media.swap(CLAIM, self._held.to_json(), ended.to_json())

    @property
    def alone(self) -> bool:
        """See `Hold.alone`."""
        return self._held.run == self._ours.run

    def beat(self) -> None:
        """See `Hold.beat`."""
        with self._lock:
            if self._held.run == self._ours.run:
                new = self._held.model_copy(update={"beat": self._held.beat + 1})
                if self._swap(new):
                    return
            self._look()
            free = self._held.ended is not None or time.monotonic() - self._seen > LEASE
            if free and self._held.run != self._ours.run:
                self._swap(self._ours)

    def check(self) -> None:
        """See `Hold.check`."""
        with self._lock:
            self._look()

    def _swap(self, new: Claim) -> bool:
        won = self._media.swap(CLAIM, self._held.to_json(), new.to_json())
        if won:
            self._held, self._seen = new, time.monotonic()
        return won

    def _look(self) -> None:
        data = self._media.get(CLAIM)
        found = parse_claim(data) if data is not None else None
        if found is None or found.job != self._ours.job:
            raise taken(self._dest, found)
        if found != self._held:
            self._held, self._seen = found, time.monotonic()
