"""Where something changed in UPLOADS since the last look: told by the kernel, or unknown, so that all is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import watchfiles

from streamify.machine.mounts import file_system_of, tells_changes

RESCAN = 60.0
"""Seconds between two looks at everything although the kernel tells of changes: its queue may have overflowed, or
another disk may have been mounted there."""
FOLDER_POLL = 5.0
"""Seconds between two looks at a folder whose changes the kernel does not tell."""
OBJECTS_POLL = 10.0
"""Seconds between two listings of an object store."""
GROUPING = 200
"""Milliseconds for which changes are gathered before they are told."""


class Polling:
    """Looks at everything every so many seconds."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._next = 0.0

    @property
    def how(self) -> str:
        """How changes are noticed, in words."""
        return f"looking every {self.every:g} s"

    def take(self, now: float) -> set[str] | None:
        """Return the keys at which something changed; ``None``: look at everything."""
        if now < self._next:
            return set()
        self._next = now + self.every
        return None

    def retry(self, now: float) -> None:
        """Look at everything soon: the last look failed."""
        self._next = now + self.every

    def close(self) -> None:
        """Nothing is kept open."""


class Notices:
    """Hears from the kernel what changes in a folder, in a thread of its own.

    Args:
        root: The folder.
        wake: Called when something changed.
        warn: Takes a line when the kernel tells nothing any more: from then on it is polled.
    """

    how = "told by the kernel"

    def __init__(self, root: Path, wake: Callable[[], None], warn: Callable[[str], None]) -> None:
        self._root, self._wake, self._warn = root.resolve(), wake, warn
        self._lock, self._end = threading.Lock(), threading.Event()
        self._changed: set[str] = set()
        self._poll = Polling(RESCAN)
        self._thread = threading.Thread(target=self._listen, name="streamify-notices", daemon=True)
        self._thread.start()

    def take(self, now: float) -> set[str] | None:
        """See `Polling.take`."""
        if self._poll.take(now) is None:
            with self._lock:
                self._changed.clear()
            return None
        with self._lock:
            found, self._changed = self._changed, set()
        return found

    def retry(self, now: float) -> None:
        """See `Polling.retry`."""
        self._poll.retry(now - RESCAN + FOLDER_POLL)

    def close(self) -> None:
        """End the thread."""
        self._end.set()
        self._thread.join(timeout=2)

    def _listen(self) -> None:
        while not self._end.is_set():
            try:
                for changes in watchfiles.watch(
                    self._root, watch_filter=None, debounce=GROUPING, stop_event=self._end, rust_timeout=500,
                    raise_interrupt=False, ignore_permission_denied=True, yield_on_timeout=True, force_polling=False,
                ):  # fmt: skip
                    if changes:
                        self._take({path for _, path in changes})
                    elif not self._root.is_dir():
                        break
            except Exception as error:  # of the kernel, such as too many watches (ENOSPC)
                self._poll = Polling(FOLDER_POLL)
                self._warn(f"the kernel does not tell what changes in {self._root}: {error}; {self._poll.how}")
                return
            self._end.wait(FOLDER_POLL)  # the folder is gone: perhaps it is mounted again

    def _take(self, paths: set[str]) -> None:
        found = {Path(path).relative_to(self._root).as_posix() for path in paths if Path(path) != self._root}
        with self._lock:
            self._changed |= found
        self._wake()


Changes = Polling | Notices


def is_told(root: Path) -> bool:
    """Return whether the kernel tells of everything that changes in a folder."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return True  # no Linux: watchfiles uses what the system has
    return tells_changes(file_system_of(root.resolve(), mounts))
