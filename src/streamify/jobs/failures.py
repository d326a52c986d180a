"""Tasks of a run that failed for good, as DEST keeps them: `status` and the end of the job name each."""

from __future__ import annotations

from collections.abc import Iterable

from streamify.dest.layout import run_failure_key, run_failures
from streamify.errors import TaskFailure
from streamify.model.base import Frozen
from streamify.storage.base import Storage


class Failure(Frozen):
    """A task of a run that failed for good."""

    key: str
    code: str
    cause: str
    hint: str = ""
    exit_code: int = 4
    attempts: int = 1
    log: str = ""


def write_failure(media: Storage, run: str, failure: Failure) -> None:
    """Note that a task failed for good."""
    media.put(run_failure_key(run, failure.key), failure.to_json())


def failure_of(task: TaskFailure) -> Failure:
    """Return what an executor says of a failed task, as it is kept."""
    return Failure(key=task.key, code=task.code, cause=task.cause, hint=task.hint, attempts=task.attempts, log=task.log)


def failed_keys(run: str, media: Storage) -> list[str]:
    """Return the keys, below DEST, of what is noted of the tasks that failed in a run; with one listing."""
    return sorted(entry.key for entry in media.list(run_failures(run)))


def read_failures(keys: Iterable[str], media: Storage) -> tuple[TaskFailure, ...]:
    """Return what `failed_keys` found."""
    return tuple(_failure(data) for data in media.get_many(keys) if data is not None)


def failures_of(run: str, media: Storage) -> tuple[TaskFailure, ...]:
    """Return the tasks of a run that failed for good."""
    return read_failures(failed_keys(run, media), media)


def _failure(data: bytes) -> TaskFailure:
    found = Failure.from_json(data)
    return TaskFailure(found.key, found.code, found.cause, found.attempts, found.log, found.hint)
