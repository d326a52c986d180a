"""Which engine, how large, and tasks through it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from threading import Event

from streamify.errors import DestinationError, Interrupted, SourceError, StreamifyError, UsageError
from streamify.executors.base import Executor, OnEvent, TaskError
from streamify.executors.local.executor import LocalExecutor
from streamify.machine.limits import WorkerLimits
from streamify.machine.resources import choose_workers, read_machine
from streamify.model.settings import Settings
from streamify.model.task import Result, Task
from streamify.storage.locate import StoreLocations

SIGINT_EXIT = 130


class Stop(Event):
    """Set to stop a job in order; `exit_code` is then that of `Interrupted`."""

    exit_code = SIGINT_EXIT


@dataclass(frozen=True)
class Need:
    """What the tasks of a phase need."""

    peak: int = 1 << 30
    """Predicted memory of one task, bytes."""
    seconds: float = 60
    """Length of the longest task's media."""

    def within(self, other: Need) -> bool:
        """Return whether what is made for `other` will do."""
        return self.peak <= other.peak and self.seconds <= other.seconds

    @property
    def patience(self) -> int:
        """CPU seconds after which a task counts as hung: 4K at the slowest preset takes 200 s per second of media."""
        return 900 + int(self.seconds * 400)


class Engines:
    """Gives each phase of a job an engine that fits it, and keeps the running one where it does: processes are dear.

    A context manager. With `warm`, all workers start with the first task. On the way out the engine is stopped, at
    once where an error leaves.
    """

    def __init__(self, settings: Settings, places: StoreLocations, on_event: OnEvent, *, warm: bool = False) -> None:
        self._settings, self._places, self._on_event, self._warm = settings, places, on_event, warm
        self._engine: Executor | None = None
        self._made_for = Need()

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._engine is not None:
            self._engine.shutdown(cancel=kind is not None)

    def fit(self, need: Need) -> Executor:
        """Return an engine for tasks that need that much."""
        if self._settings.engine == "aws":
            raise AssertionError("the AWS engine takes whole jobs: streamify.backends.aws.client.run")
        if self._settings.engine == "inline":
            from streamify.executors.inline import InlineExecutor  # which loads FFmpeg

            self._engine = self._engine or InlineExecutor(self._places.open(), self._on_event)
            return self._engine
        machine = read_machine()
        choice = choose_workers(
            affinity=machine.affinity,
            cpu_quota=machine.cpu_quota,
            free_memory=machine.free_memory,
            task_peak=need.peak,
            requested=self._settings.workers,
        )
        if self._engine is not None:
            if self._engine.capacity == choice.count and need.within(self._made_for):
                return self._engine
            self._engine.shutdown(cancel=False)
        self._made_for = need
        self._engine = LocalExecutor(
            self._places,
            choice.count,
            self._on_event,
            reason="; ".join(part for part in (choice.reason, choice.warning) if part),
            limits=WorkerLimits.for_peak(need.peak, cpu_seconds=need.patience),
            task_timeout=need.patience * 2,
            warm=self._warm,
        )
        return self._engine


def completed(engine: Executor, tasks: Iterator[Task], stop: Stop | None) -> Iterator[tuple[str, Result | TaskError]]:
    """Run tasks with a bounded number in flight; yield each one's key and result, or its error, as they end.

    Raises:
        Interrupted: `stop` was set.
    """
    running: dict[Future[Result], str] = {}
    more = True
    while more or running:
        while more and len(running) < 2 * engine.capacity:
            if stop is not None and stop.is_set():
                raise Interrupted(stop.exit_code)
            task = next(tasks, None)
            if task is None:
                more = False
            else:
                running[engine.submit(task)] = task.key
                if engine.capacity == 1:
                    break
        done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
        if stop is not None and stop.is_set():
            raise Interrupted(stop.exit_code)
        for future in done:
            key = running.pop(future)
            error = future.exception()
            if error is None:
                yield key, future.result()
            elif isinstance(error, TaskError):
                yield key, error
            else:
                raise error


def one(engine: Executor, task: Task, stop: Stop | None = None) -> Result:
    """Run a single task; raise its error as the kind that the task itself raised."""
    for _, outcome in completed(engine, iter([task]), stop):
        if isinstance(outcome, TaskError):
            raise as_raised(outcome) from outcome
        return outcome
    raise AssertionError("a task ends with a result or an error")


def as_raised(error: TaskError) -> StreamifyError:
    """Return the error of the kind that the task itself raised, by its exit code."""
    kind = {2: UsageError, 3: SourceError, 5: DestinationError}.get(error.exit_code)
    return error if kind is None else kind(error.code, error.message, error.hint)
