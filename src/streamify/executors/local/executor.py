"""Worker processes on this machine for one job alone."""

from __future__ import annotations

from typing import Any

from streamify.executors.base import OnEvent
from streamify.executors.local.pool import WorkerPool
from streamify.executors.pool import JobExecutor
from streamify.storage.locate import StoreLocations


class LocalExecutor(JobExecutor):
    """An executor with workers of its own, which end with it.

    Args:
        locations: What the workers open.
        workers: How many processes there are at most.
        on_event: See `JobExecutor`.
        options: See `WorkerPool`.
    """

    def __init__(self, locations: StoreLocations, workers: int, on_event: OnEvent, **options: Any) -> None:
        self._workers = WorkerPool(workers, remote=locations.remote, **options)
        super().__init__(self._workers, 0, locations, on_event)

    def shutdown(self, *, cancel: bool) -> None:
        """See `Executor.shutdown`. Futures of tasks that were cut off raise `concurrent.futures.CancelledError`.

        Returns when every worker is gone, except when called from a callback of the executor's own thread.
        """
        self._workers.shutdown(cancel=cancel)
        super().shutdown(cancel=cancel)
