"""Whether the size of a window changes. Pure: time comes in with each sample."""

from __future__ import annotations


class Settling:
    """Tells whether the size of a window has stayed the same for a while."""

    SECONDS = 1.0

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._changed = float("-inf")

    def see(self, now: float, size: tuple[int, int]) -> tuple[bool, bool]:
        """Take a size; return whether it has settled, and whether it is another than before."""
        changed = self._size is not None and size != self._size
        if changed:
            self._changed = now
        self._size = size
        return now - self._changed >= self.SECONDS, changed
