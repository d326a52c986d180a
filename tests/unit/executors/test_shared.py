"""Several jobs over the same workers: what one of them does harms no other, and priorities hold over all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait
from pathlib import Path

import pytest

from faults import worker as faults
from faults.worker import LIMITS, release, task
from stores import locations
from streamify.executors.local.pool import WorkerPool
from streamify.executors.pool import JobExecutor
from streamify.model.event import Event
from waiting import wait_until

pytestmark = pytest.mark.timeout(120)


class Shared:
    """One worker, two jobs."""

    def __init__(self, root: Path) -> None:
        command = (sys.executable, "-P", faults.__file__)
        self.pool = WorkerPool(1, command=command, limits=LIMITS)
        self.root = root
        self.events: list[Event] = []

    def executor(self, name: str, turn: float | None = None) -> JobExecutor:
        places = locations(self.root / "uploads", self.root / name)
        return self.pool.executor(places, self.events.append, turn)

    @property
    def started(self) -> list[str | None]:
        return [event.task for event in self.events if event.kind == "task.started"]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    shared = Shared(tmp_path)
    yield shared
    shared.pool.shutdown(cancel=True)


def test_each_job_writes_into_its_own_stores(shared: Shared, tmp_path: Path) -> None:
    older, younger = shared.executor("a"), shared.executor("b")
    wait([older.submit(task("storage:once")), younger.submit(task("storage:once#2"))])
    assert len(list((tmp_path / "a/attempts/storage:once").iterdir())) == 2
    assert len(list((tmp_path / "b/attempts/storage:once#2").iterdir())) == 2


def test_priority_goes_before_age_and_age_before_submission(shared: Shared) -> None:
    older, younger = shared.executor("a"), shared.executor("b")
    first = older.submit(task("until:go"))  # all others wait for it
    wait_until(lambda: shared.started)
    rest = [
        younger.submit(task("echo:young")),
        younger.submit(task("echo:opening").model_copy(update={"priority": 5})),
        older.submit(task("echo:old")),
    ]
    release(shared.root / "a", "go")
    wait([first, *rest])
    assert shared.started == ["until:go", "echo:opening", "echo:old", "echo:young"]


def test_a_turn_goes_before_age(shared: Shared) -> None:
    film, clip = shared.executor("a", turn=36_000), shared.executor("b", turn=60)
    first = film.submit(task("until:go"))
    wait_until(lambda: shared.started)
    rest = [film.submit(task("echo:film")), clip.submit(task("echo:clip"))]
    release(shared.root / "a", "go")
    wait([first, *rest])
    assert shared.started == ["until:go", "echo:clip", "echo:film"]


def test_a_job_that_is_cut_off_leaves_the_others_alone(shared: Shared) -> None:
    older, younger = shared.executor("a"), shared.executor("b")
    cut, queued, other = older.submit(task("stay")), older.submit(task("echo:1")), younger.submit(task("echo:2"))
    wait_until(lambda: shared.started)
    older.shutdown(cancel=True)
    assert isinstance(cut.exception(timeout=0), CancelledError)
    assert queued.cancelled()
    assert other.result().key == "echo:2"
    with pytest.raises(RuntimeError, match="shut down"):
        older.submit(task("echo:3"))
    assert younger.submit(task("echo:4")).result().key == "echo:4"


def test_a_job_that_drains_waits_for_its_own_tasks_alone(shared: Shared) -> None:
    older, younger = shared.executor("a"), shared.executor("b")
    mine, others = older.submit(task("echo:mine")), younger.submit(task("stay"))
    older.shutdown(cancel=False)
    assert mine.done()
    assert not others.done()


def test_a_listener_that_raises_ends_its_own_job_alone(shared: Shared, tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if event.kind == "task.started":
            raise LookupError("listener")

    other = shared.executor("a")
    broken = shared.pool.executor(locations(tmp_path / "uploads", tmp_path / "b"), listen)
    with pytest.raises(LookupError, match="listener"):
        broken.submit(task("stay")).result()
    assert other.submit(task("echo:1")).result().key == "echo:1"
