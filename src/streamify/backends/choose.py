"""Which backend carries a job out: decided in this one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify.model.location import Location

if TYPE_CHECKING:
    from streamify.backends.base import Backend
    from streamify.executors.local.start import WorkerStarter
    from streamify.jobs.engine import Share
    from streamify.model.settings import Settings


def for_settings(settings: Settings, starter: WorkerStarter | None = None, engine: Share | None = None) -> Backend:
    """Return the backend of the engine that the settings name.

    Args:
        settings: Of the job.
        starter: Starts the workers; what they need is perhaps being loaded already.
        engine: Runs the tasks of several jobs on this machine; AWS has no use for it.
    """
    if settings.engine == "aws":
        from streamify.backends.aws.backend import Aws

        return Aws()
    from streamify.backends.here import Here

    return Here(starter, engine)


def for_job(job: str) -> tuple[Backend, Location]:
    """Return the backend of a job, and its DEST.

    Args:
        job: DEST, or the ARN of an execution on AWS.

    Raises:
        UsageError: It is neither.
        DestinationError: It is an ARN, and AWS refused.
    """
    from streamify.backends.here import Here

    if job.startswith("arn:"):
        from streamify.backends.aws.backend import Aws, dest_of

        return Aws(execution=job), dest_of(job)
    dest = Location.of_dest(job)
    if dest.scheme == "s3":
        from streamify.backends.aws.account import open_dest
        from streamify.jobs.claim import read

        held = read(open_dest(dest))
        if held is not None and held.execution is not None:
            from streamify.backends.aws.backend import Aws

            return Aws(execution=held.execution), dest
    return Here(), dest
