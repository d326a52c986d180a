"""A cluster of Ray as a table in memory, and a dispatcher over it."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from faults.worker import task
from stores import locations
from streamify.errors import Failure
from streamify.executors.base import TaskError, TaskFuture, by_priority
from streamify.executors.pending import Pending
from streamify.executors.ray.dispatch import RayDispatcher
from streamify.executors.ray.news import Ended, News, Node
from streamify.executors.ray.parcel import packed
from streamify.executors.ray.wire import Build, Card, Given
from streamify.executors.report import Reporter
from streamify.executors.retry import Retry
from streamify.executors.waiting import Job
from streamify.executors.wire import Done, Work
from streamify.machine.limits import GIB
from streamify.model.attempt import Usage
from streamify.model.backoff import Backoff
from streamify.model.event import Event
from streamify.model.result import CheckResult
from streamify.model.task import Budget

USAGE = Usage(seconds=1, cpu_seconds=1, peak_bytes=1, resident_bytes=1)
OWN = Build(streamify="1", av="18.1.0", machine="x86_64")
SMALL, LARGE = Budget(memory_bytes=GIB // 2), Budget(memory_bytes=2 * GIB)
NODES = (Node("n", "node-1", 2, 4 * GIB), Node("m", "node-2", 2, 4 * GIB))


def card(**changes: object) -> Card:
    made = Card(node="n", host="node-1", pid=7, time=time.time(), build=OWN, features=())
    return made.model_copy(update=changes)


@dataclass
class Table:
    """A cluster of which a test decides what happens."""

    nodes: tuple[Node, ...] = (Node("n", "node-1", 2, 4 * GIB),)
    local: bool = False
    join: str = "10.0.0.1:6379"
    asked: dict[int, int] = field(default_factory=dict)
    """By place: the bytes that it was asked for with."""
    pinned: dict[int, str] = field(default_factory=dict)
    given: dict[int, str | None] = field(default_factory=dict)
    """By place: key of the task that was given there."""
    reached: list[int] = field(default_factory=list)
    """Places whose process was told that a node has reached the stores."""
    cut: list[int] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    coming: list[News] = field(default_factory=list)

    def ask_for(self, number: int, memory: int, node: str | None) -> None:
        self.asked[number] = memory
        if node is not None:
            self.pinned[number] = node

    def answer(self, number: int, given: bytes | None) -> None:
        order = Given.from_json(zlib.decompress(given)) if given is not None else None
        self.given[number] = order.work.task.key if order is not None else None
        if order is not None and order.reached:
            self.reached.append(number)

    def cut_off(self, number: int) -> None:
        self.cut.append(number)

    def forget(self, number: int) -> None:
        self.forgotten.append(number)

    def wait(self, seconds: float) -> list[News]:
        found, self.coming = self.coming, []
        return found

    def close(self) -> None:
        self.cut.append(0)


@dataclass
class Bench:
    tmp_path: Path
    table: Table = field(default_factory=Table)
    workers: int | None = None
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.places = locations(self.tmp_path / "uploads", self.tmp_path / "media")
        self.pending = Pending(Retry(backoff=Backoff(first=0, factor=1, longest=0)), by_priority)
        self.dispatcher = RayDispatcher(self.table, self.pending, self.workers, OWN, self.given)

    @staticmethod
    def given(job: Job) -> Given:
        return Given(work=Work.from_json(job.payload), job="j")

    def submit(self, key: str, budget: Budget = SMALL, priority: int = 0, age: int = 0, turn: float = 0) -> TaskFuture:
        made = task(key, budget, priority)
        job = Job(made, Work(stores=self.places, task=made).to_json(), Reporter(self.events.append), age, turn)
        self.pending.add(job)
        return job.future

    def happens(self, *news: News) -> None:
        self.table.coming += news
        self.dispatcher.step()
        self.dispatcher.step()


def done(number: int, key: str) -> Ended:
    result = CheckResult(key=key, faults=(), frames=1)
    return Ended(number, packed(Done(result=result, usage=USAGE)))


def failure(future: TaskFuture) -> Failure:
    error = future.exception(timeout=0)
    assert isinstance(error, TaskError)
    return error.failure
