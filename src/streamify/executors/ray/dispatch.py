"""Gives tasks to places on a cluster and judges what comes back; runs in one thread and owns all of its state."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable
from dataclasses import replace

from pydantic import ValidationError

from streamify.errors import Failure
from streamify.executors.pending import Pending
from streamify.executors.ray import failures
from streamify.executors.ray.asking import Asking
from streamify.executors.ray.fit import unfit
from streamify.executors.ray.news import Asked, Ended, Gone, Lost, News, Node, Part, Told
from streamify.executors.ray.parcel import unpacked
from streamify.executors.ray.place import Place, Places
from streamify.executors.ray.sound import SoundNodes, is_sound
from streamify.executors.ray.stragglers import Stragglers
from streamify.executors.ray.wire import Build, Card, Given
from streamify.executors.retry import lost
from streamify.executors.waiting import Job
from streamify.executors.wire import Done, Work

STARTS = 10
"""Places that may be lost one after another before any process has asked for a task."""
PIECES = 20.0
"""Seconds in which the pieces of a reply must be there, once its task is over."""


class RayDispatcher:
    """The state machine behind `RayPool`.

    What Ray queues are requests for places, not tasks: which task runs in a place is decided when a process there
    asks. So what is most urgent gets the first place that is free, and nothing has to be called back.

    Args:
        places: Of the cluster.
        pending: The jobs.
        workers: Places at most; ``None``: as the cluster has.
        own: Build of this process.
        given: Returns what a node is given for a job.
    """

    def __init__(
        self, places: Places, pending: Pending, workers: int | None, own: Build, given: Callable[[Job], Given]
    ) -> None:
        self._cluster, self._pending, self._own, self._given = places, pending, own, given
        self._sound, self._stragglers = SoundNodes(), Stragglers()
        self._asking = Asking(places, pending, workers, self._sound, self._stragglers)
        self._places = self._asking.places
        self._lost_starts = 0
        self._reached: set[int] = set()  # jobs, by the number of their executor, whose stores a node has reached
        self._seen: tuple[Node, ...] = ()  # in the last look at the cluster
        self._broken: Failure | None = None  # why no task can run any more

    def step(self) -> None:
        """See `streamify.executors.pool.Dispatching`."""
        self._pending.remove_cancelled()
        self._leave_lost_nodes()
        self._pending.waiting.release()
        if self._broken is not None:
            self._asking.stop()
            self._pending.fail_waiting(self._broken)
        else:
            self._asking.ask()
        for news in self._cluster.wait(self._asking.longest_wait()):
            self._take(news)
        now = time.monotonic()
        for place in [place for place in self._places.values() if place.deadline <= now and not place.dismissed]:
            self._give_up(place)

    def drop(self, age: int, error: BaseException | None) -> None:
        """See `streamify.executors.pool.Dispatching`."""
        for place in tuple(self._places.values()):
            if place.job is not None and place.job.age == age:
                self._cut_off(place, place.job)
            elif place.straggler is not None and place.straggler.age == age:
                self._call_off(place)
        self._stragglers.forget(age)
        self._reached.discard(age)
        self._pending.drop(age, error)

    def close(self, error: BaseException | None) -> None:
        """See `streamify.executors.pool.Dispatching`."""
        for place in tuple(self._places.values()):
            if place.job is not None:
                self._cut_off(place, place.job)
        self._cluster.close()
        self._pending.close(error)

    def _leave_lost_nodes(self) -> None:
        """Try what ran on nodes that the cluster has no more again, and ask anew for what Ray may have queued there.

        Ray itself tells of the loss only once connections to its processes end: a node that is cut off ends none.
        """
        nodes, seen = self._cluster.nodes, self._seen
        self._seen = nodes
        gone = {node.id for node in seen} - {node.id for node in nodes} if nodes is not seen else set[str]()
        if not gone:
            return
        for place in tuple(self._places.values()):
            if place.card is not None and place.card.node not in gone:
                continue
            del self._places[place.number]
            self._cluster.forget(place.number)
            if place.job is not None:
                self._lose(place, Lost(place.number, "node-lost", "the node on which the task ran is gone"))
            elif place.straggler is not None:
                place.straggler.doubled = False

    def _cut_off(self, place: Place, job: Job) -> None:
        self._dismiss(place)
        self._cluster.cut_off(place.number)
        self._pending.cut_off(job, place.worker)
        if place.wanted:  # it is over
            del self._places[place.number]

    def _call_off(self, place: Place) -> None:
        """Take back what was asked for a second attempt, if it waits in Ray's queue."""
        if place.card is None and not place.dismissed:
            self._dismiss(place)
            self._cluster.cut_off(place.number)

    def _dismiss(self, place: Place) -> None:
        place.job, place.dismissed, place.deadline = None, True, math.inf

    def _take(self, news: News) -> None:
        if isinstance(news, Gone):
            failure = failures.full(news.cause) if news.full else failures.gone(news.cause)
            self._end_all(failure)
            self._leave_all(failure)
            return
        place = self._places.get(news.number)
        if place is None:
            if isinstance(news, Asked):  # of a node that was gone
                self._cluster.answer(news.number, None)
            return
        match news:
            case Asked() if place.dismissed:  # called off at this moment
                self._cluster.answer(place.number, None)
            case Asked():
                self._give(place, news.card)
            case Told() if place.job is not None:
                told, job = news.progress, place.job
                self._reached.add(job.age)
                job.report.progress(job.key, place.worker, job.number, told.done, told.total, told.unit)
            case Part():
                place.pieces.append(news.piece)
                self._complete(place)
            case Ended() if news.pieces and place.job is not None:
                place.wanted = news.pieces
                place.deadline = time.monotonic() + PIECES
                self._complete(place)
            case Ended():
                del self._places[place.number]
                if place.job is not None:
                    self._conclude(place, place.job, news.reply or b"")
            case Lost():
                del self._places[place.number]
                self._lose(place, news)

    def _give(self, place: Place, card: Card) -> None:
        """Give a process that asked the next task that fits into its place."""
        place.card, self._lost_starts = card, 0
        if (error := unfit(card, self._own, place.asked, time.time())) is not None:
            self._cluster.answer(place.number, None)
            self._dismiss(place)
            self._end_all(failures.of_error(error))
            return
        self._sound.see(card)
        if self._asking.is_full():
            if place.straggler is not None:
                place.straggler.doubled = False  # it is asked for again, if it still takes long
            self._cluster.answer(place.number, None)
            self._dismiss(place)
            return
        if place.straggler is not None:
            if not self._pending.waiting.ready and self._other(place.straggler) is not None:
                self._begin(place, self._pending.begin_second(place.straggler))
                return
            place.straggler.doubled = False  # it is asked for again, if it still takes long
        while (job := self._pending.waiting.choose(lambda job: self._fits(job, place, card))) is not None:
            if self._pending.begin(job):
                if is_sound(job.task):
                    self._sound.begin(card)
                self._begin(place, job)
                return
        self._cluster.answer(place.number, None)
        self._dismiss(place)

    def _begin(self, place: Place, job: Job) -> None:
        now = time.monotonic()
        place.job, place.since, place.deadline = job, now, now + 2 * job.task.budget.cpu_seconds + 120
        self._pending.started(job, place.worker)
        given = self._given(job).model_copy(update={"reached": job.age in self._reached})
        self._cluster.answer(place.number, zlib.compress(given.to_json(), 1))

    def _other(self, job: Job, place: Place | None = None) -> Place | None:
        """Return a place, another one than `place`, in which an attempt at the same job runs."""
        found = (other for other in self._places.values() if other is not place and other.job is not None)
        return next((other for other in found if other.job is not None and other.job.submitted is job.submitted), None)

    def _fits(self, job: Job, place: Place, card: Card) -> bool:
        """Return whether a job may run in a place."""
        memory = self._asking.memory(job)
        alike = not is_sound(job.task) or self._sound.suits(card)
        return self._asking.offered(memory) and place.memory >= memory and alike

    def _complete(self, place: Place) -> None:
        """Conclude a reply of several pieces once all of them are there."""
        if place.wanted and len(place.pieces) == place.wanted:
            del self._places[place.number]
            if place.job is not None:
                self._conclude(place, place.job, b"".join(place.pieces))

    def _conclude(self, place: Place, job: Job, reply: bytes) -> None:
        try:
            found = unpacked(reply)
        except (ValueError, ValidationError) as error:
            self._fail(job, lost(job.key, "worker-garbled", f"the worker sent no valid reply: {error}"), place)
            return
        if isinstance(found, Done):
            self._reached.add(job.age)
            self._cut_off_other(job, place)
            self._stragglers.add(job, time.monotonic() - place.since)
            self._pending.finish(job, place.worker, found)
        else:
            self._fail(job, found.failure, place, found.usage)

    def _give_up(self, place: Place) -> None:
        assert place.job is not None
        job = place.job
        self._cluster.cut_off(place.number)
        self._dismiss(place)
        if place.wanted:  # it is over
            del self._places[place.number]
        self._fail(job, lost(job.key, "worker-hung", "no result came from its node in time"), place)

    def _lose(self, place: Place, news: Lost) -> None:
        if news.unfit:
            failure = Failure("", news.code, news.cause, exit_code=5, hint="install it there as on this machine")
            self._end_all(failure)
        if place.job is not None:
            self._fail(place.job, lost(place.job.key, news.code, news.cause), place)
        elif place.dismissed:
            return
        elif place.straggler is not None:
            place.straggler.doubled = False  # it is asked for again, on that node after another look at the cluster
            if place.node is not None:
                self._stragglers.miss(place.node, self._cluster.nodes)
        elif self._counts(place, news):
            self._lost_starts += 1
            if self._lost_starts >= STARTS:
                cause = f"no process on a node of the cluster came as far as a task: {news.cause}"
                full = news.code == failures.OUT_OF_MEMORY
                self._end_all(failures.full(cause) if full else failures.not_started(cause))

    def _counts(self, place: Place, news: Lost) -> bool:
        """Return whether the loss of a place that no process had says that none can start on the cluster."""
        if news.code == "mailbox-lost":  # it takes all places along that wait in Ray's queue
            return False
        if news.code == failures.OUT_OF_MEMORY and any(other.job is not None for other in self._places.values()):
            return False  # one node is full, and others work
        return place.node is None or self._sound.lose(place.node, self._cluster.nodes)

    def _fail(self, job: Job, failure: Failure, place: Place, usage: object = None) -> None:
        if failure.transient and self._other(job, place) is not None:
            self._pending.lose_one(job, replace(failure, key=job.key), place.worker, usage)  # type: ignore[arg-type]
            return
        self._cut_off_other(job, place)
        memory = failure.transient and failures.may_be_memory(failure)
        failure = failures.asked(failure, place.memory) if memory else failure
        self._pending.fail(job, replace(failure, key=job.key), place.worker, usage)  # type: ignore[arg-type]
        if memory:
            self._enlarge(job.submitted, place.memory)

    def _enlarge(self, job: Job, had: int) -> None:
        """Let the next attempt at a job ask for twice the memory that this one had, as far as a node has it."""
        budget = job.task.budget
        twice = 2 * max(self._asking.memory(job), had)
        more = budget.model_copy(update={"memory_bytes": max(budget.memory_bytes, twice)})
        job.task = job.task.model_copy(update={"budget": more})
        job.payload = Work(stores=Work.from_json(job.payload).stores, task=job.task).to_json()
        asks = self._asking.memory(job)
        if asks > had:
            job.more_memory = asks

    def _cut_off_other(self, job: Job, place: Place) -> None:
        """End the other attempt at a job that is about to be settled, or take back what was asked for it."""
        other = self._other(job, place)
        if other is not None and other.job is not None:
            self._cut_off(other, other.job)
        for asked in self._places.values():
            if asked.straggler is job.submitted:
                self._call_off(asked)

    def _end_all(self, failure: Failure) -> None:
        """Fail what waits and what comes: nothing can run. What runs goes on."""
        if self._broken is None:
            self._broken = failure
        self._pending.fail_waiting(failure)

    def _leave_all(self, failure: Failure) -> None:
        """Fail what runs as well: no news of it comes any more."""
        for place in tuple(self._places.values()):
            there = self._places.pop(place.number, None)  # no more, where its twin was settled before
            if there is not None and place.job is not None:
                self._fail(place.job, failure, place)
