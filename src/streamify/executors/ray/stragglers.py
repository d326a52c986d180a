"""Tasks of a cluster that take much longer than their kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamify.executors.ray.news import Node
from streamify.executors.ray.place import Place
from streamify.executors.waiting import Job
from streamify.model.result import SPLIT
from streamify.planning.stragglers import Usual


class Stragglers:
    """What is usual in each job, and the nodes that gave no place for a second attempt."""

    def __init__(self) -> None:
        self._usual: dict[int, Usual] = {}  # by job: the number of its executor
        self._missed: dict[str, Sequence[Node]] = {}  # by node: the look in which a second attempt lost its place there

    def add(self, job: Job, seconds: float) -> None:
        """Take a task that has ended well after so many seconds."""
        self._usual.setdefault(job.age, Usual()).add(job.key, seconds)

    def forget(self, age: int) -> None:
        """Forget the job of an executor that has ended."""
        self._usual.pop(age, None)

    def suspects(self, places: Iterable[Place]) -> list[tuple[Place, float]]:
        """Return places whose task has no second attempt, and when each counts as a straggler, monotonic."""
        found = list[tuple[Place, float]]()
        for place in places:
            job = place.job
            if job is None or job.submitted.doubled or job.key == SPLIT:  # which writes the plan
                continue
            limit = self._usual.setdefault(job.age, Usual()).limit(job.key)
            if limit is not None:
                found.append((place, place.since + limit))
        return found

    def miss(self, node: str, nodes: Sequence[Node]) -> None:
        """Note that a second attempt lost its place on a node.

        Args:
            node: Id.
            nodes: Those of the cluster; another object after each look.
        """
        self._missed[node] = nodes

    def missed(self, node: str, nodes: Sequence[Node]) -> bool:
        """Return whether a second attempt lost its place on a node since the last look at the cluster."""
        return self._missed.get(node) is nodes
