"""The executor of a job, which may share its workers with other jobs, and tasks through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from streamify.errors import Interrupted, UsageError
from streamify.executors.base import Executor, TaskError, TaskFuture
from streamify.executors.events import EventDelivery
from streamify.executors.local.executor import LocalExecutor
from streamify.executors.local.pool import WorkerPool
from streamify.executors.local.start import WorkerStarter
from streamify.executors.pool import Pool
from streamify.machine.resources import choose_workers, read_machine
from streamify.model.attempt import Attempt
from streamify.model.result import Beginning, Result
from streamify.model.settings import Settings
from streamify.model.task import Task
from streamify.planning.agenda import URGENT
from streamify.storage.locate import StoreLocations

SIGINT_EXIT = 130

Keep = Callable[[Attempt], None]
"""Takes attempts."""


class Stop(Event):
    """Set to stop a job in order; `exit_code` is then that of `Interrupted`."""

    exit_code = SIGINT_EXIT


class Ended(NamedTuple):
    """A task that has ended."""

    key: str
    outcome: Result | TaskError


class Engine:
    """Runs the tasks of several jobs of this process, each from a thread of its own, over the same workers.

    What is done next is decided over all jobs: tasks of greater priority first (`streamify.planning.agenda`), of equal
    ones those of the job whose turn it is: by default that which began earlier. The inline engine has no workers: each
    job runs its tasks in its thread.

    Args:
        settings: ``engine`` and ``workers`` are those of all jobs.
        remote: Whether any of their sources or streams lies in an object store.
        starter: Starts the workers; what they need is perhaps being loaded already.
    """

    def __init__(self, settings: Settings, *, remote: bool, starter: WorkerStarter | None = None) -> None:
        self._pool: Pool | None = None
        if settings.engine == "ray":
            with _ray_there():
                from streamify.executors.ray.pool import RayPool

            self._pool = RayPool(settings.address, **_places(settings))
        elif settings.engine != "inline":
            count, options = _workers(settings, starter)
            self._pool = WorkerPool(count, remote=remote, warm=True, **options)

    def executor(self, stores: StoreLocations, events: EventDelivery, turn: float | None = None) -> Executor:
        """Return the executor of one more job; its end is no end of the engine. For `turn` see `Turn`."""
        return self._pool.executor(stores, events, turn) if self._pool is not None else _inline(stores, events)

    def close(self) -> None:
        """End all workers, at once."""
        if self._pool is not None:
            self._pool.shutdown(cancel=True)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Share(Protocol):
    """Where a job gets its executor from that shares workers with others: an `Engine`, or a `Turn` of one."""

    def executor(self, stores: StoreLocations, events: EventDelivery) -> Executor:
        """Return the executor of one more job."""


@dataclass(frozen=True)
class Turn:
    """An engine for a job with a turn of its own: of equal priority, tasks of the job with the least go first."""

    engine: Engine
    turn: float
    """Any number, comparable to those of the other jobs."""

    def executor(self, stores: StoreLocations, events: EventDelivery) -> Executor:
        """See `Share`."""
        return self.engine.executor(stores, events, self.turn)


@contextmanager
def executor_for(
    settings: Settings,
    stores: StoreLocations,
    events: EventDelivery,
    *,
    warm: bool = False,
    spare: bool = False,
    starter: WorkerStarter | None = None,
    engine: Share | None = None,
    anywhere: bool = False,
) -> Iterator[Executor]:
    """Give the executor of a job: started once, for all of its tasks; stopped at the end, at once after an error.

    Args:
        settings: Of the job.
        stores: What the tasks read and write.
        events: Takes the executor's events.
        warm: Start all workers with the first task.
        spare: Keep one more worker ready for what viewers will ask for.
        starter: Starts the workers; what they need is perhaps being loaded already.
        engine: Runs the tasks, and goes on afterwards; ``None``: one for this job alone.
        anywhere: Run them where the settings say. Else on this machine, whatever they say: for what is done on it
            before a job and after it.
    """
    own = partial(_own, settings, stores, events, starter, warm=warm, spare=spare, anywhere=anywhere)
    executor = engine.executor(stores, events) if engine is not None else own()
    try:
        yield executor
    except BaseException:
        executor.shutdown(cancel=True)
        raise
    executor.shutdown(cancel=False)


def _own(
    settings: Settings,
    stores: StoreLocations,
    events: EventDelivery,
    starter: WorkerStarter | None,
    *,
    warm: bool,
    spare: bool,
    anywhere: bool,
) -> Executor:
    if settings.engine == "inline":
        return _inline(stores, events)
    if settings.engine == "ray" and anywhere:
        with _ray_there():
            from streamify.executors.ray.executor import RayExecutor

        return RayExecutor(stores, settings.address, events, **_places(settings))
    count, options = _workers(settings, starter)
    return LocalExecutor(stores, count, events, warm=warm, spare=spare, **options)


def _workers(settings: Settings, starter: WorkerStarter | None) -> tuple[int, dict[str, Any]]:
    """Return how many workers there are, and the options of `WorkerPool` for them."""
    machine = read_machine()
    choice = choose_workers(affinity=machine.affinity, cpu_quota=machine.cpu_quota, requested=settings.workers)
    return choice.count, {
        "memory": machine.free_memory,
        "reason": choice.reason,
        "starter": starter,
        "urgent": URGENT,
    }


def _places(settings: Settings) -> dict[str, Any]:
    """Return the options of `RayPool`."""
    machine = read_machine()
    choice = choose_workers(affinity=machine.affinity, cpu_quota=machine.cpu_quota, requested=settings.workers)
    return {"workers": settings.workers, "cores": choice.count, "memory": machine.free_memory}


@contextmanager
def _ray_there() -> Iterator[None]:
    """Turn the error of a package that is not installed into one that says how to install it.

    Raises:
        UsageError: ``ray-missing``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ray":
            raise
        hint = "pip install 'streamify[ray]', or leave out --engine ray"
        raise UsageError("ray-missing", "the engine ray needs the package ray, which is not installed", hint) from error


def _inline(stores: StoreLocations, events: EventDelivery) -> Executor:
    from streamify.executors.inline import InlineExecutor  # which loads FFmpeg

    return InlineExecutor(stores.open(), events)


_PATIENCE = 0.2
"""Seconds after which `completed` looks at `stop` again."""


class Urgent(Protocol):
    """Where tasks come from that cannot wait."""

    @property
    def news(self) -> Future[None]:
        """Done when `urgent` has tasks."""

    @property
    def patience(self) -> float:
        """Seconds after which it is to be asked again, although there is no news."""

    def urgent(self, take_back: Callable[[str], bool]) -> Iterator[Task]:
        """Yield them; a later call yields those that came since.

        `take_back` takes the key of a task that was given out and returns whether it had not begun, and never will.
        """

    def ranked(self) -> Iterator[tuple[str, int]]:
        """Yield key and new priority of tasks that were given out before, each once."""


def completed(
    executor: Executor,
    tasks: Iterator[Task],
    stop: Stop | None,
    events: EventDelivery,
    urgent: Urgent | None = None,
    keep: Keep = lambda _: None,
    begun: Mapping[TaskFuture, str] = MappingProxyType({}),
) -> Iterator[Ended]:
    """Run tasks with a bounded number in flight; yield what became of each as it ends.

    Args:
        executor: Runs them.
        tasks: In the order in which they should start.
        stop: Ends it early.
        events: Of the job.
        urgent: Its tasks are submitted at once, whatever is in flight, as long as `tasks` are not done.
        keep: Receives every attempt as it begins and as it ends; it must not wait.
        begun: Futures and keys of tasks that were submitted before, and are followed already.

    Raises:
        Interrupted: `stop` was set.
        BaseException: What the listener of `events` raised.
    """
    running = dict(begun)
    more = True

    def submit(task: Task) -> None:
        future = executor.submit(task)
        future.follow(keep)
        running[future] = task.key

    def take_back(key: str) -> bool:
        future = next((future for future, other in running.items() if other == key), None)
        if future is None or not future.cancel():
            return False
        del running[future]
        return True

    while more or running:
        for task in urgent.urgent(take_back) if urgent is not None else ():
            submit(task)
        for key, priority in urgent.ranked() if urgent is not None else ():
            executor.rank(key, priority)
        while more and len(running) < 2 * executor.capacity:
            _check(stop, events)
            following = next(tasks, None)
            if following is None:
                more = False
            else:
                submit(following)
                if executor.capacity == 1:
                    break
        awaited: set[Future[Any]] = {*running}
        if urgent is not None:
            awaited.add(urgent.news)
        patience = min(_PATIENCE, urgent.patience) if urgent is not None else _PATIENCE
        ended, _ = wait(awaited, timeout=patience, return_when=FIRST_COMPLETED)
        _check(stop, events)
        for future in ended:
            if not isinstance(future, TaskFuture):
                continue
            key = running.pop(future)
            error = future.exception()
            if error is None:
                yield Ended(key, future.result())
            elif isinstance(error, TaskError):
                yield Ended(key, error)
            else:
                raise error


def run_one(
    executor: Executor,
    task: Task,
    stop: Stop | None,
    events: EventDelivery,
    keep: Keep = lambda _: None,
    on_beginning: Callable[[Beginning], None] | None = None,
) -> Result:
    """Run a single task; raise its error as the kind that the task itself raised.

    `on_beginning`: see `TaskFuture.on_beginning`; other arguments as of `completed`.
    """
    future = executor.submit(task)
    future.follow(keep)
    if on_beginning is not None:
        future.on_beginning(on_beginning)
    for ended in completed(executor, iter(()), stop, events, begun={future: task.key}):
        if isinstance(ended.outcome, TaskError):
            raise ended.outcome.as_raised() from ended.outcome
        return ended.outcome
    raise AssertionError("a task ends with a result or an error")


def _check(stop: Stop | None, events: EventDelivery) -> None:
    events.check()
    if stop is not None and stop.is_set():
        raise Interrupted(stop.exit_code)
