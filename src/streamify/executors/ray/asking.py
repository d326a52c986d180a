"""Which places a cluster is asked for: one for each task that waits, but at most two for each CPU of the cluster."""

from __future__ import annotations

import math
import time
from collections import Counter

from streamify.executors.pending import Pending
from streamify.executors.ray.failures import too_large
from streamify.executors.ray.place import Place, Places
from streamify.executors.ray.room import left_on
from streamify.executors.ray.sound import SoundNodes, is_sound
from streamify.executors.ray.stragglers import Stragglers
from streamify.executors.ray.wire import asked_memory
from streamify.executors.waiting import Job

AHEAD = 2
"""Places that are asked for, for each that there is."""
PATIENCE = 20.0
"""Seconds for which a task waits for a node that is large enough."""
LATE = 10.0
"""Seconds for which a place may wait in Ray's queue while a node has room: then that node is asked by its name."""


class Asking:
    """The places that were asked for and are not over, and how more of them are asked for.

    Args:
        cluster: That is asked.
        pending: The jobs.
        workers: Places at most; ``None``: as the cluster has.
        sound: Where sound may be made.
        stragglers: What counts as one.
    """

    def __init__(
        self, cluster: Places, pending: Pending, workers: int | None, sound: SoundNodes, stragglers: Stragglers
    ) -> None:
        self._cluster, self._pending, self._workers = cluster, pending, workers
        self._sound, self._stragglers = sound, stragglers
        self._asked = 0
        self._too_large: dict[Job, float] = {}  # since when
        self.places: dict[int, Place] = {}
        """By number."""

    def ask(self) -> None:
        """Ask for all that is needed now."""
        self._for_waiting()
        self._by_name()
        self._for_stragglers()

    def stop(self) -> None:
        """Expect no larger node any more: nothing can run."""
        self._too_large = {}

    def _for_waiting(self) -> None:
        """Ask for the places that tasks which wait are in need of, as far as there may be more."""
        ready = sorted(self._pending.waiting.ready, key=lambda job: -job.task.priority)
        waiting = (
            place for place in self.places.values() if place.job is None and not (place.dismissed or place.straggler)
        )
        free = Counter((place.memory, place.node is not None) for place in waiting)
        now, large = time.monotonic(), dict[Job, float]()
        for job in ready:
            memory = self.memory(job)
            if not self.offered(memory):
                large[job] = self._too_large.get(job, now)
                continue
            node = self._sound.node(self._cluster.nodes) if is_sound(job.task) else None
            if free[memory, node is not None] > 0:
                free[memory, node is not None] -= 1
            elif len(self.places) < self._most():
                self._for_place(memory, node)
        self._too_large = {job: since for job, since in large.items() if now - since < PATIENCE}
        for job in large:
            failure = too_large(job.key, self.memory(job), self._cluster.nodes, self._cluster.join)
            if job not in self._too_large and self._pending.begin(job):
                self._pending.fail(job, failure, "")

    def _by_name(self) -> None:
        """Ask nodes that have room for places, where Ray has not given for long what it was asked for.

        It may have left that to a node that does not answer, and sends nothing of the same kind elsewhere meanwhile.
        """
        now = time.monotonic()
        late = sum(place.waits and place.queued + LATE <= now for place in self.places.values())
        if not late or len(self._cluster.nodes) < 2:
            return
        left = left_on(self._cluster.nodes, self.places.values())
        for job in self._pending.waiting.ready:
            memory, sound = self.memory(job), is_sound(job.task)
            fitting = (node for node, has in left.items() if has.holds(memory))
            fitting = (node for node in fitting if not sound or self._sound.may_be_alike(node))
            node = max(fitting, key=lambda node: left[node].cores, default=None)
            if len(self.places) - late >= self._most():
                return
            if node is not None:
                self._for_place(memory, node)
                left[node] = left[node].without(memory)

    def _for_stragglers(self) -> None:
        """Ask for a second place, on another node, for tasks that take much longer than their kind.

        Only where nothing else waits: near the end, when nodes are idle.
        """
        if self._pending.waiting.ready:
            return
        now = time.monotonic()
        for place in [place for place, moment in self._stragglers.suspects(self.places.values()) if moment <= now]:
            if len(self.places) >= self._most():
                return
            node = self._elsewhere(place)
            if place.job is not None and node is not None:
                job = place.job.submitted
                job.doubled = True
                self._for_place(self.memory(job), node, job)

    def _for_place(self, memory: int, node: str | None, straggler: Job | None = None) -> None:
        self._asked += 1
        self.places[self._asked] = Place(self._asked, memory, node, straggler=straggler)
        self._cluster.ask_for(self._asked, memory, node)

    def _elsewhere(self, place: Place) -> str | None:
        """Return the id of another node that has room for the job of a place; ``None``: there is none."""
        assert place.job is not None
        assert place.card is not None
        nodes, sound, memory = self._cluster.nodes, is_sound(place.job.task), self.memory(place.job)
        left = {
            node: left
            for node, left in left_on(nodes, self.places.values()).items()
            if node != place.card.node
            and left.holds(memory)
            and not self._stragglers.missed(node, nodes)
            and (not sound or self._sound.is_alike(node))
        }
        return max(left, key=lambda node: left[node].cores, default=None)

    def is_full(self) -> bool:
        """Return whether as many tasks run as the settings allow: places that were late may come beside others."""
        running = sum(place.job is not None for place in self.places.values())
        return self._workers is not None and not self._cluster.local and running >= self._workers

    def _most(self) -> int:
        """Return how many places may be asked for and not be over."""
        there = sum(node.cores for node in self._cluster.nodes)
        return self._workers if self._workers is not None and not self._cluster.local else max(2, AHEAD * there)

    def memory(self, job: Job) -> int:
        """Return the bytes that a job asks a node for, perhaps more than there are."""
        wanted = asked_memory(job.task.budget)
        largest = max((node.memory for node in self._cluster.nodes), default=0)
        alone = wanted > largest and (self._cluster.local or job.number > 0)  # on its node
        return largest if alone else wanted

    def offered(self, memory: int) -> bool:
        """Return whether a node has that much. A job waits a while for one."""
        return any(node.memory >= memory for node in self._cluster.nodes)

    def longest_wait(self) -> float:
        """Return for how many seconds at most nothing has to be done unless there is news."""
        moments = [place.deadline for place in self.places.values()]
        if self._pending.waiting.due is not None:
            moments.append(self._pending.waiting.due)
        if len(self._cluster.nodes) > 1:
            now = time.monotonic()
            moments += [moment for _, moment in self._stragglers.suspects(self.places.values()) if moment > now]
            if self._pending.waiting.ready:
                late = (place.queued + LATE for place in self.places.values() if place.waits)
                moments += [moment for moment in late if moment > now]
        longest = 1.0 if self._too_large or not self._cluster.nodes else PATIENCE
        return max(0.0, min(longest, min(moments, default=math.inf) - time.monotonic()))
