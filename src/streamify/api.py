"""The Python API: functions that take paths and return frozen values.

They block until they are done; `start` runs a job in the background, `transcode_async` awaits one. Settings are keyword
arguments with the names of [settings](settings.md), which `SettingsDict` types. Unlike the command line, the API reads
neither the environment nor ``streamify.yaml``.

    >>> import streamify
    >>> report = streamify.transcode("in.mp4", "out", ladder="720p,360p")  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from streamify.errors import DestinationError, Interrupted
from streamify.model.location import Location

if TYPE_CHECKING:
    from streamify.backends.aws.pricing.cost import Prediction
    from streamify.backends.base import Backend
    from streamify.executors.base import OnEvent
    from streamify.handle import JobHandle
    from streamify.jobs.engine import Stop
    from streamify.jobs.verify import Verification
    from streamify.model.analysis import Explanation
    from streamify.model.listing import JobList
    from streamify.model.plan import Plan
    from streamify.model.report import Report
    from streamify.model.settings import Settings
    from streamify.model.source import SourceFacts
    from streamify.model.status import Cancelled, JobStatus
    from streamify.settings.arguments import SettingsDict


def transcode(
    source: str | Path, dest: str | Path, *, on_event: OnEvent | None = None, **settings: Unpack[SettingsDict]
) -> Report:
    """Turn `source` into an HLS + DASH stream at `dest`; block until it is complete. Run again, it resumes.

    Args:
        source: Path or URL (``s3://``, ``gs://``, ``az://``) of the video; never modified.
        dest: Folder of the stream, made where it does not exist, or URL of a prefix.
        on_event: Called with every `Event` of the job, one at a time and in order, in a thread of its own. While it
            blocks, the job goes on, and of the `task.progress` events that wait only the last of each task is kept. An
            exception that it raises ends the job, and `transcode` raises it; what is finished stays. `transcode`
            returns when it has taken all events: one that blocks delays the return, not the job.
        **settings: Keys of `SettingsDict`, such as ``ladder``, ``segment_seconds``, ``crf``, ``workers``.

    Returns:
        What is in ``report.json``: tracks (bytes, bits per second), certificate, notes, wall and CPU seconds.

    Raises:
        UsageError: A setting or a location is wrong.
        SourceError: The source cannot be used.
        TasksFailed: Tasks failed for good; `failures` lists each with its cause. What succeeded is kept.
        CapExceeded: The stack refuses it (``engine="aws"``).
        DestinationError: `dest` or the engine cannot be used.
        VerificationFailed: The certificate found a gap.
        JobCancelled: `cancel` ended it, from another thread or process.
    """
    from streamify.backends.choose import for_settings
    from streamify.jobs.tell import no_event
    from streamify.settings.read import from_arguments

    chosen = from_arguments(settings)
    places = Location.of_source(source), Location.of_dest(dest)
    return for_settings(chosen).transcode(*places, chosen, on_event or no_event)


def start(
    source: str | Path, dest: str | Path, *, on_event: OnEvent | None = None, **settings: Unpack[SettingsDict]
) -> JobHandle:
    """Start what `transcode` does in a thread, and return a handle to follow, await or cancel it.

    Args:
        source: As of `transcode`.
        dest: As of `transcode`.
        on_event: As of `transcode`; `JobHandle.events` is another way to see them.
        **settings: As of `transcode`.

    Raises:
        UsageError: A setting or a location is wrong. Everything else is raised by `JobHandle.result`.
    """
    from streamify.handle import JobHandle
    from streamify.settings.read import from_arguments

    chosen, video, folder = from_arguments(settings), Location.of_source(source), Location.of_dest(dest)
    return JobHandle(
        str(video), str(folder), lambda tell, stop: _carry_out(video, folder, chosen, tell, stop), on_event
    )


async def transcode_async(
    source: str | Path, dest: str | Path, *, on_event: OnEvent | None = None, **settings: Unpack[SettingsDict]
) -> Report:
    """Do what `transcode` does without blocking the event loop.

    Where the asyncio task is cancelled, the job is stopped in order, which takes up to a few seconds, and then
    `asyncio.CancelledError` is raised; what is finished stays. The other functions of this module may be awaited with
    `asyncio.to_thread`.

    Args:
        source: As of `transcode`.
        dest: As of `transcode`.
        on_event: As of `transcode`: not called from the thread of the event loop.
        **settings: As of `transcode`.

    Raises:
        StreamifyError: As `transcode`.
    """
    return await start(source, dest, on_event=on_event, **settings)


def status(job: str | Path) -> JobStatus:
    """Return the status of a job: what is done of it, and whether it runs.

    Args:
        job: The `dest` of the job, or the ARN of an execution on AWS.

    Raises:
        UsageError: The location is of a kind that is not supported.
        DestinationError: There is no job, or it cannot be read.
    """
    from streamify.backends.choose import for_job

    backend, dest = for_job(_job(job))
    return backend.status(dest)


def list_jobs(media: str | Path) -> JobList:
    """Return the jobs below a folder or prefix of streams: state, share, time left, why they failed.

    Args:
        media: MEDIA of `streamify watch`, or any place that holds DESTs.

    Raises:
        UsageError: The location is of a kind that is not supported.
        DestinationError: There is no such folder, or it cannot be listed.
    """
    from streamify.backends.here import is_running
    from streamify.jobs import listing

    return listing.list_jobs(Location.of_dest(media), is_running)


def explain(job: str | Path, run: str | None = None) -> Explanation:
    """Return why a job was slow, or why it failed: where the workers' time went, slowest tasks, retries, what to do.

    Args:
        job: The `dest` of the job, or the ARN of an execution on AWS.
        run: Id of the run, or its beginning; by default the last one.

    Raises:
        UsageError: The location is of a kind that is not supported, or there is no such run.
        DestinationError: There is no job, or it cannot be read.
    """
    from streamify.backends.choose import for_job

    backend, dest = for_job(_job(job))
    return backend.explain(dest, run)


def cancel(job: str | Path) -> Cancelled:
    """Stop a job that any process runs; what is finished stays.

    Args:
        job: The `dest` of the job, or the ARN of an execution on AWS.

    Raises:
        UsageError: The location is of a kind that is not supported.
        DestinationError: There is no job, or it cannot be stopped.
    """
    from streamify.backends.choose import for_job

    backend, dest = for_job(_job(job))
    return backend.cancel(dest)


def resume(job: str | Path, *, on_event: OnEvent | None = None) -> Report:
    """Go on with a job, with the source and the settings that it was started with; block until it is complete.

    Args:
        job: The `dest` of the job, or the ARN of an execution on AWS.
        on_event: As of `transcode`.

    Raises:
        StreamifyError: As `transcode`.
        DestinationError: There is no job.
    """
    from streamify.backends.choose import for_job
    from streamify.jobs.tell import no_event

    backend, dest = for_job(_job(job))
    return backend.resume(dest, on_event or no_event)


def plan(source: str | Path, **settings: Unpack[SettingsDict]) -> Plan:
    """Return what `transcode` would do, without doing it: ladder, number of segments, predicted size in bytes.

    Raises:
        UsageError: A setting or the location is wrong.
        SourceError: The source cannot be used.
    """
    from streamify.jobs import run as jobs
    from streamify.settings.read import from_arguments

    return jobs.plan(Location.of_source(source), from_arguments(settings))


def predict(source: str | Path, **settings: Unpack[SettingsDict]) -> Prediction:
    """Return what transcoding `source` on AWS would cost, US dollars, and how long it would take, seconds.

    Asks AWS for the parameters of the stack (``stack``) and the account's quota, where it can be reached, and
    transcodes up to four seconds of the film on this machine, to see what its pictures cost.

    Raises:
        UsageError: A setting or the location is wrong.
        SourceError: The source cannot be used.
        CapExceeded: It would cost more than ``max_cost``, US dollars.
    """
    from streamify.backends.aws.pricing.cost import refuse_above
    from streamify.backends.aws.pricing.predict import predict_source
    from streamify.settings.read import from_arguments

    chosen = from_arguments(settings)
    _, prediction = predict_source(Location.of_source(source), chosen)
    refuse_above(prediction, chosen.max_cost)
    return prediction


def probe(source: str | Path) -> SourceFacts:
    """Return facts about a source: streams, exact rates and durations (seconds), rotation, colour, what is peculiar.

    Raises:
        UsageError: The location is of a kind that is not supported.
        SourceError: The source cannot be used.
    """
    from streamify.jobs import run as jobs

    return jobs.probe(Location.of_source(source))


def verify(dest: str | Path, source: str | Path | None = None, *, on_event: OnEvent | None = None) -> Verification:
    """Recompute the certificate of the stream at `dest` from its bytes; with `source`, compare the pictures too.

    Raises:
        VerificationFailed: Something is wrong; `faults` names each.
        UsageError: A location is of a kind that is not supported.
        DestinationError: There is no finished stream at `dest`.
    """
    from streamify.jobs.tell import no_event
    from streamify.jobs.verify import verify as run

    found = run(Location.of_dest(dest), None if source is None else Location.of_source(source), on_event or no_event)
    found.check()
    return found


def _carry_out(source: Location, dest: Location, settings: Settings, on_event: OnEvent, stop: Stop) -> Report:
    from streamify.backends.choose import for_settings

    backend = for_settings(settings)
    try:
        return backend.transcode(source, dest, settings, on_event, stop)
    except Interrupted:
        if settings.engine == "aws":
            _end_execution(backend, dest)  # which would go on there
        raise


def _end_execution(backend: Backend, dest: Location) -> None:
    try:
        backend.cancel(dest)
    except DestinationError as error:
        if error.code != "no-job":  # stopped before an execution was started
            raise


def _job(job: str | Path) -> str:
    return job if isinstance(job, str) else str(Location.of_dest(job))
