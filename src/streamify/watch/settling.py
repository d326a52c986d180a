"""Which uploads have been still for long enough to be whole. Pure: the caller brings the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamify.watch.uploads import Seen


@dataclass
class _Waiting:
    seen: Seen
    since: float


class Settling:
    """Uploads that may still grow.

    An upload has settled once its size, time of change and sidecar stayed the same for `quiet` seconds. One that was
    last changed before that has settled at its first sight, as after a move within the file system, if the clock that
    writes times of change is ours.

    Args:
        quiet: Seconds.
        own_clock: Whether times of change come from the clock of this machine.
    """

    def __init__(self, quiet: float, *, own_clock: bool) -> None:
        self.quiet = quiet
        self._own_clock = own_clock
        self._waiting: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def keys(self) -> list[str]:
        """Keys of the uploads that wait."""
        return list(self._waiting)

    def see(self, seen: Seen, now: float, wall: float) -> bool:
        """Take what was seen of an upload; return whether that is new.

        Args:
            seen: Of the upload.
            now: Seconds of a clock that never jumps.
            wall: Seconds since the epoch.
        """
        before = self._waiting.get(seen.key)
        if before is not None and before.seen == seen:
            return False
        age = wall - seen.modified
        old = self._own_clock and before is None and age >= self.quiet
        self._waiting[seen.key] = _Waiting(seen, now - self.quiet if old else now)
        return before is None

    def touch(self, key: str, now: float) -> None:
        """Let an upload wait anew: somebody writes it, although nothing of it changed."""
        if key in self._waiting:
            self._waiting[key].since = now

    def forget(self, key: str) -> None:
        """Drop an upload: it is gone or was accepted."""
        self._waiting.pop(key, None)

    def settled(self, now: float) -> Iterator[Seen]:
        """Yield the uploads that have been still for long enough."""
        yield from [one.seen for one in self._waiting.values() if now - one.since >= self.quiet]
