"""Tasks of a run that failed for good, as DEST keeps them: `status` and the end of the job name each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamify.dest.layout import run_failure_key, run_failures
from streamify.errors import Failure, SourceError, StreamifyError, TasksFailed, counted
from streamify.model.attempt import FAILURE
from streamify.storage.base import Storage


def write_failure(media: Storage, run: str, failure: Failure) -> None:
    """Note that a task failed for good."""
    media.put(run_failure_key(run, failure.key), FAILURE.dump_json(failure))


def failed_keys(run: str, media: Storage) -> list[str]:
    """Return the keys, below DEST, of what is noted of the tasks that failed in a run; with one listing."""
    return sorted(entry.key for entry in media.list(run_failures(run)))


def read_failures(keys: Iterable[str], media: Storage) -> tuple[Failure, ...]:
    """Return what `failed_keys` found."""
    return tuple(FAILURE.validate_json(data) for data in media.get_many(keys) if data is not None)


def failures_of(run: str, media: Storage) -> tuple[Failure, ...]:
    """Return the tasks of a run that failed for good."""
    return read_failures(failed_keys(run, media), media)


GONE = frozenset({"source-missing", "source-changed"})
"""Codes of tasks that found their source gone, or another one than it was planned for."""


LOST = frozenset({"too-many-lost", "pictures-lost"})
"""Codes of what the source lacks: a job that goes on with what is kept ends with them again."""


def is_damage(error: BaseException) -> bool:
    """Return whether a job failed for damage of its source: whatever is made anew, the same job fails again."""
    return isinstance(error, TasksFailed) and any(failure.code == "too-many-lost" for failure in error.failures)


def is_loss(error: BaseException) -> bool:
    """Return whether a job failed for what its source lacks."""
    return isinstance(error, TasksFailed) and any(failure.code in LOST for failure in error.failures)


def error_of(failures: Sequence[Failure], hint: str) -> StreamifyError:
    """Return the error of a job whose tasks failed: that of the source where it did not stay what it was.

    Args:
        failures: Of the tasks.
        hint: How to fix the others.
    """
    gone = next((failure for failure in failures if failure.code in GONE), None)
    if gone is None:
        return TasksFailed(tuple(failures), hint)
    return SourceError(
        gone.code,
        f"{gone.cause}; {counted(len(failures), 'task')} failed",
        "what was made is kept: put the source back as it was and resume the job, or start anew with --replace",
    )
