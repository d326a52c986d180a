"""Where a job runs, decided in one place: this machine's pipeline, or AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify.errors import UsageError
from streamify.model.location import Location
from streamify.storage.locate import open_storage

if TYPE_CHECKING:
    from streamify.executors.base import OnEvent
    from streamify.jobs.engine import Stop
    from streamify.model.report import Report
    from streamify.model.settings import Settings
    from streamify.model.status import Cancelled, JobStatus


def transcode(
    source: Location, dest: Location, settings: Settings, on_event: OnEvent, stop: Stop | None = None
) -> Report:
    """Carry a job out on the engine that the settings name; raises as `streamify.jobs.run.transcode`."""
    if settings.engine == "aws":
        from streamify.backends.aws.client import run as client

        return client.transcode(source, dest, settings, on_event, stop)
    from streamify.jobs import run as jobs

    return jobs.transcode(source, dest, settings, on_event, stop)


def status(job: str) -> JobStatus:
    """Return how a job stands: of AWS also its execution.

    Args:
        job: DEST, or the ARN of an execution.

    Raises:
        DestinationError: There is no job, or it cannot be looked at.
    """
    if _may_be_on_aws(job):
        from streamify.backends.aws.client import existing

        return existing.status(job)
    from streamify.jobs.status import look

    dest = Location.of_dest(job)
    return look(str(dest), open_storage(dest))


def cancel(job: str) -> Cancelled:
    """End the execution of a job on AWS; what is finished stays.

    Raises:
        UsageError: ``job-local``, the job is not of AWS.
        DestinationError: There is no job, or AWS refused.
    """
    if _may_be_on_aws(job):
        from streamify.backends.aws.client import existing

        found = existing.cancel(job)
        if found is not None:
            return found
    status(job)  # which says so where there is no job at all
    raise UsageError(
        "job-local", f"the job at {job} does not run on AWS", "Ctrl-C in its terminal, or SIGTERM, stops it"
    )


def resume(job: str, on_event: OnEvent, stop: Stop | None = None) -> tuple[Location, Report]:
    """Go on with a job on AWS, with the source and the settings that it had; return its DEST and its report.

    Raises:
        UsageError: ``job-local``, the job is not of AWS.
        StreamifyError: As `streamify.backends.aws.client.run.transcode`.
    """
    if _may_be_on_aws(job):
        from streamify.backends.aws.client import existing
        from streamify.backends.aws.client import run as client

        found = existing.Found(job).job()
        if found is not None:
            return found.dest, client.resume(found, on_event, stop)
    seen = status(job)
    raise UsageError(
        "job-local",
        f"the job at {job} was not started on AWS, and where its source '{seen.source}' lies was not noted",
        f"run its command again: streamify transcode SOURCE {job}",
    )


def _may_be_on_aws(job: str) -> bool:
    return job.startswith("arn:") or Location.of_dest(job).scheme == "s3"
