"""Places of a cluster for one job alone."""

from __future__ import annotations

from typing import Any

from streamify.executors.base import OnEvent
from streamify.executors.pool import JobExecutor
from streamify.executors.ray.pool import RayPool
from streamify.storage.locate import StoreLocations


class RayExecutor(JobExecutor):
    """An executor with a connection of its own, which ends with it.

    Args:
        locations: What the tasks read and write.
        address: See `RayPool`.
        on_event: See `JobExecutor`.
        options: See `RayPool`.

    Raises:
        UsageError, DestinationError: As `RayPool`.
    """

    def __init__(self, locations: StoreLocations, address: str | None, on_event: OnEvent, **options: Any) -> None:
        self._own = RayPool(address, **options)
        self._own.remember(locations)
        super().__init__(self._own, 0, locations, on_event)

    def shutdown(self, *, cancel: bool) -> None:
        """See `Executor.shutdown`. Futures of tasks that were cut off raise `concurrent.futures.CancelledError`."""
        self._own.shutdown(cancel=cancel)
        super().shutdown(cancel=cancel)
