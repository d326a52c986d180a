"""The connection of this process to Ray: there is one at a time, which all of its pools share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from streamify.errors import UsageError
from streamify.executors.ray.cluster import Connection


@cache
def connections() -> Connections:
    """Return the connections of this process: Ray has one at a time, and so there is one of these."""
    return Connections()


class Connections:
    """Lets several pools of a process share its connection, which ends with the last of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: Connection | None = None
        self._users = 0

    @contextmanager
    def use(self, address: str | None, cores: int, memory: int) -> Iterator[Connection]:
        """Give the connection to a cluster; for arguments and errors see `Connection`.

        Raises:
            UsageError: ``ray-address``, the process is connected to another one.
        """
        with self._lock:
            found = self._open
            if found is None:
                self._open = found = Connection(address, cores, memory)
            elif address not in (None, "auto", found.address):
                other = found.address or "a Ray of this machine"
                hint = "wait for its jobs to end, or use another process"
                raise UsageError("ray-address", f"this process is connected to {other}, not to {address}", hint)
            self._users += 1
        try:
            yield found
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._open = None
                    found.close()
