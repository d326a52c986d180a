"""Gives tasks to places on a cluster and judges what comes back; runs in one thread and owns all of its state."""

from __future__ import annotations

import math
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import ValidationError

from streamify.errors import Failure, StreamifyError
from streamify.executors.pending import Pending
from streamify.executors.ray.fit import unfit
from streamify.executors.ray.news import Asked, Ended, Gone, Lost, News, Node, Part, Told
from streamify.executors.ray.parcel import unpacked
from streamify.executors.ray.place import Place, Places
from streamify.executors.ray.room import left_on
from streamify.executors.ray.sound import SoundNodes, is_sound
from streamify.executors.ray.wire import Build, Card, Given, Shape
from streamify.executors.retry import lost
from streamify.executors.waiting import Job
from streamify.executors.wire import Done, Work
from streamify.machine.limits import GIB
from streamify.model.result import SPLIT
from streamify.planning.stragglers import Usual

AHEAD = 2
"""Places that are asked for, for each that there is."""
PATIENCE = 20.0
"""Seconds for which a task waits for a node that is large enough, and for a reply whose pieces are on their way."""
LATE = 10.0
"""Seconds for which a place may wait in Ray's queue while a node has room: then that node is asked by its name."""
STARTS = 10
"""Places that may be lost one after another before any process has asked for a task."""
OUT_OF_MEMORY = "worker-out-of-memory"
"""Code of an attempt in which memory ran out."""


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
        self._cluster, self._pending, self._workers, self._own, self._given = places, pending, workers, own, given
        self._places: dict[int, Place] = {}
        self._asked = 0
        self._lost_starts = 0
        self._too_large: dict[Job, float] = {}  # since when
        self._seen: tuple[Node, ...] = ()  # in the last look at the cluster
        self._sound = SoundNodes()
        self._usual: dict[int, Usual] = {}  # by job: the number of its executor
        self._missed: dict[str, Sequence[Node]] = {}  # by node: the look in which a second attempt lost its place there
        self._broken: Failure | None = None  # why no task can run any more

    def step(self) -> None:
        """See `streamify.executors.pool.Dispatching`."""
        self._pending.remove_cancelled()
        self._leave_lost_nodes()
        self._pending.waiting.release()
        if self._broken is not None:
            self._too_large = {}
            self._pending.fail_waiting(self._broken)
        else:
            self._ask()
            self._ask_by_name()
            self._ask_again()
        for news in self._cluster.wait(self._longest_wait()):
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
        self._usual.pop(age, None)
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

    # Asking

    def _ask(self) -> None:
        """Ask for the places that tasks which wait are in need of, as far as there may be more."""
        ready = sorted(self._pending.waiting.ready, key=lambda job: -job.task.priority)
        waiting = (
            place for place in self._places.values() if place.job is None and not (place.dismissed or place.straggler)
        )
        free = Counter((place.shape, place.node is not None) for place in waiting)
        now, too_large = time.monotonic(), dict[Job, float]()
        for job in ready:
            shape = self._shape(job)
            if not self._offered(shape):
                too_large[job] = self._too_large.get(job, now)
                continue
            node = self._sound.node(self._cluster.nodes) if is_sound(job.task) else None
            if free[shape, node is not None] > 0:
                free[shape, node is not None] -= 1
            elif len(self._places) < self._most():
                self._ask_for(shape, node)
        self._too_large = {job: since for job, since in too_large.items() if now - since < PATIENCE}
        for job in too_large:
            failure = _too_large(job.key, self._shape(job), self._cluster.nodes)
            if job not in self._too_large and self._pending.begin(job):
                self._pending.fail(job, failure, "")

    def _ask_by_name(self) -> None:
        """Ask nodes that have room for places, where Ray has not given for long what it was asked for.

        It may have left that to a node that does not answer, and sends nothing of the same kind elsewhere meanwhile.
        """
        now = time.monotonic()
        late = sum(place.waits and place.queued + LATE <= now for place in self._places.values())
        if not late or len(self._cluster.nodes) < 2:
            return
        left = left_on(self._cluster.nodes, self._places.values())
        for job in self._pending.waiting.ready:
            shape, sound = self._shape(job), is_sound(job.task)
            fitting = (
                node for node, has in left.items() if has.holds(shape) and (not sound or self._sound.may_be_alike(node))
            )
            node = max(fitting, key=lambda node: left[node].cores, default=None)
            if len(self._places) - late >= self._most():
                return
            if node is not None:
                self._ask_for(shape, node)
                left[node] = left[node].without(shape)

    def _ask_again(self) -> None:
        """Ask for a second place, on another node, for tasks that take much longer than their kind.

        Only where nothing else waits: near the end, when nodes are idle.
        """
        if self._pending.waiting.ready:
            return
        now = time.monotonic()
        for place in self._stragglers(now):
            if len(self._places) >= self._most():
                return
            node = self._elsewhere(place)
            if place.job is not None and node is not None:
                job = place.job.submitted
                job.doubled = True
                self._ask_for(self._shape(job), node, job)

    def _ask_for(self, shape: Shape, node: str | None, straggler: Job | None = None) -> None:
        self._asked += 1
        self._places[self._asked] = Place(self._asked, shape, node, straggler=straggler)
        self._cluster.ask_for(self._asked, shape, node)

    def _stragglers(self, now: float) -> list[Place]:
        """Return the places with tasks that take long and have no second attempt."""
        return [place for place, moment in self._suspects() if moment <= now]

    def _suspects(self) -> list[tuple[Place, float]]:
        """Return places with a job, and when each counts as a straggler, on the monotonic clock."""
        found = list[tuple[Place, float]]()
        for place in self._places.values():
            job = place.job
            if job is None or job.submitted.doubled or job.key == SPLIT:  # which writes the plan
                continue
            limit = self._usual.setdefault(job.age, Usual()).limit(job.key)
            if limit is not None:
                found.append((place, place.since + limit))
        return found

    def _elsewhere(self, place: Place) -> str | None:
        """Return the id of another node that has room for the job of a place; ``None``: there is none."""
        assert place.job is not None
        assert place.card is not None
        sound, shape = is_sound(place.job.task), self._shape(place.job)
        left = {
            node: left
            for node, left in left_on(self._cluster.nodes, self._places.values()).items()
            if node != place.card.node
            and left.holds(shape)
            and self._missed.get(node) is not self._cluster.nodes
            and (not sound or self._sound.is_alike(node))
        }
        return max(left, key=lambda node: left[node].cores, default=None)

    def _is_full(self) -> bool:
        """Return whether as many tasks run as the settings allow: places that were late may come beside others."""
        running = sum(place.job is not None for place in self._places.values())
        return self._workers is not None and not self._cluster.local and running >= self._workers

    def _most(self) -> int:
        """Return how many places may be asked for and not be over."""
        there = sum(node.cores for node in self._cluster.nodes)
        return self._workers if self._workers is not None and not self._cluster.local else max(2, AHEAD * there)

    def _shape(self, job: Job) -> Shape:
        """Return what a job asks a node for, perhaps more than there is."""
        wanted, nodes = Shape.of(job.task.budget), self._cluster.nodes
        cores = max((node.cores for node in nodes), default=1)
        memory = max((node.memory for node in nodes), default=0)
        alone = wanted.memory > memory and (self._cluster.local or job.number > 0)  # on its node
        return Shape(cores=min(wanted.cores, cores), memory=memory if alone else wanted.memory)

    def _offered(self, shape: Shape) -> bool:
        """Return whether a node has that much. A job waits a while for one."""
        return any(node.cores >= shape.cores and node.memory >= shape.memory for node in self._cluster.nodes)

    def _longest_wait(self) -> float:
        moments = [place.deadline for place in self._places.values()]
        if self._pending.waiting.due is not None:
            moments.append(self._pending.waiting.due)
        if len(self._cluster.nodes) > 1:
            now = time.monotonic()
            moments += [moment for _, moment in self._suspects() if moment > now]
            if self._pending.waiting.ready:
                late = (place.queued + LATE for place in self._places.values() if place.waits)
                moments += [moment for moment in late if moment > now]
        longest = 1.0 if self._too_large or not self._cluster.nodes else PATIENCE
        return max(0.0, min(longest, min(moments, default=math.inf) - time.monotonic()))

    # Judging

    def _take(self, news: News) -> None:
        if isinstance(news, Gone):
            failure = _full(news.cause) if news.full else _gone(news.cause)
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
                job.report.progress(job.key, place.worker, job.number, told.done, told.total, told.unit)
            case Part():
                place.pieces.append(news.piece)
                self._complete(place)
            case Ended() if news.pieces and place.job is not None:
                place.wanted = news.pieces
                place.deadline = time.monotonic() + PATIENCE
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
            self._end_all(_failure(error))
            return
        self._sound.see(card)
        if self._is_full():
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
        self._cluster.answer(place.number, zlib.compress(self._given(job).to_json(), 1))

    def _other(self, job: Job, place: Place | None = None) -> Place | None:
        """Return a place, another one than `place`, in which an attempt at the same job runs."""
        found = (other for other in self._places.values() if other is not place and other.job is not None)
        return next((other for other in found if other.job is not None and other.job.submitted is job.submitted), None)

    def _fits(self, job: Job, place: Place, card: Card) -> bool:
        """Return whether a job may run in a place."""
        shape = self._shape(job)
        alike = not is_sound(job.task) or self._sound.suits(card)
        return self._offered(shape) and place.shape.holds(shape) and alike

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
            self._cut_off_other(job, place)
            self._usual.setdefault(job.age, Usual()).add(job.key, time.monotonic() - place.since)
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
                self._missed[place.node] = self._cluster.nodes
        elif self._counts(place, news):
            self._lost_starts += 1
            if self._lost_starts >= STARTS:
                cause = f"no process on a node of the cluster came as far as a task: {news.cause}"
                full = news.code == OUT_OF_MEMORY
                self._end_all(_full(cause) if full else Failure("", "ray-failed", cause, exit_code=5, hint=_AGAIN))

    def _counts(self, place: Place, news: Lost) -> bool:
        """Return whether the loss of a place that no process had says that none can start on the cluster."""
        if news.code == "mailbox-lost":  # it takes all places along that wait in Ray's queue
            return False
        if news.code == OUT_OF_MEMORY and any(other.job is not None for other in self._places.values()):
            return False  # one node is full, and others work
        return place.node is None or self._sound.lose(place.node, self._cluster.nodes)

    def _fail(self, job: Job, failure: Failure, place: Place, usage: object = None) -> None:
        if failure.transient and self._other(job, place) is not None:
            self._pending.lose_one(job, replace(failure, key=job.key), place.worker, usage)  # type: ignore[arg-type]
            return
        self._cut_off_other(job, place)
        memory = failure.transient and _may_be_memory(failure)
        failure = _asked(failure, place.shape) if memory else failure
        self._pending.fail(job, replace(failure, key=job.key), place.worker, usage)  # type: ignore[arg-type]
        if memory:
            self._enlarge(job.submitted, place.shape)

    def _enlarge(self, job: Job, had: Shape) -> None:
        """Let the next attempt at a job ask for twice the memory that this one had, as far as a node has it."""
        budget = job.task.budget
        twice = 2 * max(self._shape(job).memory, had.memory)
        more = budget.model_copy(update={"memory_bytes": max(budget.memory_bytes, twice)})
        job.task = job.task.model_copy(update={"budget": more})
        job.payload = Work(stores=Work.from_json(job.payload).stores, task=job.task).to_json()
        asks = self._shape(job).memory
        if asks > had.memory:
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


_AGAIN = "what is finished is kept: once the cluster is well, run the same command again"


def _failure(error: StreamifyError) -> Failure:
    return Failure("", error.code, error.message, hint=error.hint, exit_code=error.exit_code)


def _gone(cause: str) -> Failure:
    return Failure("", "ray-lost", f"the Ray cluster is gone: {cause}", exit_code=5, hint=_AGAIN)


def _full(cause: str) -> Failure:
    hint = "end what else uses memory there, or start nodes with more of it; RAY_memory_usage_threshold is Ray's limit"
    return Failure("", "ray-out-of-memory", cause, exit_code=5, hint=hint)


def _too_large(key: str, shape: Shape, nodes: Sequence[Node]) -> Failure:
    if not nodes:
        cause = "the cluster has no node that takes tasks"
        hint = "start one: ray start --address HEAD:6379"
    else:
        memory = max(node.memory for node in nodes)
        cause = f"the task asks for {shape.memory / GIB:.1f} GiB, and no node offers more than {memory / GIB:.1f} GiB"
        hint = "add a node with more memory, or make fewer renditions of less size: --ladder"
    return Failure(key, "ray-too-small", cause, hint=hint, exit_code=5)


def _may_be_memory(failure: Failure) -> bool:
    """Return whether an attempt may have failed because memory ran out: the kernel ends processes by SIGKILL then."""
    killed = failure.code == "worker-killed" and failure.signal in (None, "SIGKILL")
    return killed or failure.code == OUT_OF_MEMORY


def _asked(failure: Failure, shape: Shape) -> Failure:
    """Return the failure of an attempt, with what it had asked for."""
    cause = f"{failure.cause}; it had asked for {shape.memory / GIB:g} GiB"
    return replace(failure, cause=cause, hint=failure.hint or "add nodes with more memory, or make a smaller --ladder")
