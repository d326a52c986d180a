"""What is recorded of an upload whose job is over, from how its last try ended. Pure."""

from __future__ import annotations

import shlex
import time

from streamify.errors import CapExceeded, JobCancelled, SourceError, StreamifyError, UsageError
from streamify.jobs.failures import is_loss
from streamify.model.upload import Accepted, Ended

_REFUSED = (SourceError, UsageError, CapExceeded)
"""Errors of a source or of settings: the same job ends with them again, as with losses that they do not allow."""


def complete(upload: Accepted, started: float | None) -> Ended:
    """Return the record of an upload whose stream is complete."""
    return _ended(upload, started)


def failed(upload: Accepted, started: float | None, error: BaseException, *, resumable: bool = False) -> Ended:
    """Return the record of an upload whose job failed, or was cancelled.

    Args:
        upload: What arrived.
        started: When its last try began; ``None``: there was none.
        error: How that ended, or why there was none.
        resumable: Whether DEST keeps the job of this version of the upload.
    """
    record = _ended(upload, started)
    if not isinstance(error, StreamifyError):
        bug = f"a fault in Streamify itself: {type(error).__name__}: {error}"
        error = StreamifyError("bug", " ".join(bug.split()), "please report it with the log of `streamify watch -v`")
    dest = shlex.quote(str(upload.dest))
    resume = f"streamify resume {dest}"
    kept = not upload.source.remote and error.code != "source-missing"  # `touch` would make an empty file of its name
    again = f"touch {shlex.quote(str(upload.source))}" if kept else "upload it again"
    may_succeed = not isinstance(error, _REFUSED) and not is_loss(error)
    return record.model_copy(
        update={
            "outcome": "cancelled" if isinstance(error, JobCancelled) else "failed",
            "code": error.code,
            "message": error.message[:2000],
            "hint": error.hint,
            "retry": f"{again}, or: {resume}" if resumable and may_succeed else again,
        }
    )


def replaced(upload: Accepted) -> StreamifyError:
    """Return the error for an upload whose file is another one by now."""
    return StreamifyError(
        "source-changed",
        f"{upload.source} was replaced before its stream was complete",
        "the new version gets its own job",
    )


def gone(upload: Accepted) -> StreamifyError:
    """Return the error for an upload whose file is gone."""
    return StreamifyError(
        "source-missing", f"{upload.source} was deleted before its stream was made", "upload it again"
    )


def _ended(upload: Accepted, started: float | None) -> Ended:
    return Ended(
        id=upload.id,
        key=upload.key,
        size=upload.size,
        source=str(upload.source),
        dest=str(upload.dest),
        outcome="complete",
        accepted=upload.accepted,
        started=started,
        ended=time.time(),
    )
