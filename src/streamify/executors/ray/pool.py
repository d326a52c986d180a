"""The places of a cluster, for one job or for several at a time."""

from __future__ import annotations

from contextlib import ExitStack
from uuid import uuid4

from streamify.executors.base import OnEvent, Order, by_priority
from streamify.executors.pending import Pending
from streamify.executors.pool import JobExecutor, Pool
from streamify.executors.ray.cluster import Cluster
from streamify.executors.ray.connections import connections
from streamify.executors.ray.dispatch import RayDispatcher
from streamify.executors.ray.node import mark
from streamify.executors.ray.wire import Build, Given
from streamify.executors.retry import Retry
from streamify.executors.waiting import Job
from streamify.executors.wire import Work
from streamify.model.task import Budget
from streamify.storage.locate import StoreLocations


class RayPool(Pool):
    """Runs tasks on the nodes of a Ray cluster, each in a sealed process without credentials.

    Args:
        address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; ``None``: a Ray of this machine, which ends with the
            pool.
        workers: Tasks at the same moment at most; ``None``: as the cluster has CPUs for.
        cores: Of a Ray of this machine.
        memory: Bytes of it.
        retry: How often and when to try again.
        order: Chooses which of the waiting tasks starts next.
        worker: ``MODULE:NAME`` of what returns the sealed worker on a node; ``None``: the usual one.

    Raises:
        UsageError, DestinationError: As `streamify.executors.ray.connections.Connections.use`.
    """

    def __init__(
        self,
        address: str | None,
        *,
        workers: int | None = None,
        cores: int = 1,
        memory: int = 1 << 30,
        retry: Retry | None = None,
        order: Order = by_priority,
        worker: str | None = None,
    ) -> None:
        self._closing = ExitStack()
        self._connection = self._closing.enter_context(connections().use(address, cores, memory))
        self._workers, self._worker = workers, worker
        self._marks: dict[StoreLocations, str | None] = {}
        self._job = uuid4().hex
        try:
            self._cluster = Cluster(self._connection)
        except BaseException:
            self._closing.close()
            raise
        pending = Pending(retry or Retry(), order)
        dispatcher = RayDispatcher(self._cluster, pending, workers, Build.here(), self._given)
        nodes = len(self._connection.nodes)
        where = "a Ray of this machine" if address is None else f"{nodes} node{'s'[: nodes != 1]} at {address}"
        super().__init__(dispatcher, pending, "ray", where)

    @property
    def capacity(self) -> int:
        """See `Pool.capacity`."""
        return self._least(sum(node.cores for node in self._connection.nodes))

    def width(self, budget: Budget) -> int:
        """See `Executor.width`."""
        memory = max(1, budget.memory_bytes)
        fitting = (min(node.cores, node.memory // memory) for node in self._connection.nodes)
        return self._least(sum(fitting))

    def executor(self, locations: StoreLocations, on_event: OnEvent, turn: float | None = None) -> JobExecutor:
        """See `Pool.executor`."""
        self.remember(locations)
        return super().executor(locations, on_event, turn)

    def remember(self, locations: StoreLocations) -> None:
        """Note what nodes must find at the DEST of a job before its tasks are submitted."""
        self._marks[locations] = None if locations.media.remote else mark(locations.open())

    def _least(self, places: int) -> int:
        return max(1, places if self._workers is None else min(places, self._workers))

    def _given(self, job: Job) -> Given:
        work = Work.from_json(job.payload)
        assert work.stores is not None
        return Given(work=work, job=f"{self._job}-{job.age}", marker=self._marks[work.stores], worker=self._worker)

    def _wake(self) -> None:
        self._cluster.wake()

    def _closed(self) -> None:
        """See `Pool._closed`."""

    def _ended(self) -> None:
        self._closing.close()
