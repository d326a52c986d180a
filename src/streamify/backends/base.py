"""What a backend is: something that carries out whole jobs, and answers for those that it carried out before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from streamify.executors.base import OnEvent
    from streamify.jobs.engine import Stop
    from streamify.model.analysis import Explanation
    from streamify.model.location import Location
    from streamify.model.report import Report
    from streamify.model.settings import Settings
    from streamify.model.status import Cancelled, JobStatus
    from streamify.storage.base import Storage


class Backend(Protocol):
    """Carries out jobs. A job is named by its DEST; all that is known of it is there."""

    def transcode(
        self, source: Location, dest: Location, settings: Settings, on_event: OnEvent, stop: Stop | None = None
    ) -> Report:
        """Carry a job out, or what is missing of it; block until it ends.

        Raises:
            UsageError, SourceError, DestinationError: Something given cannot be used.
            SourceError: ``source-changed``, the source did not stay what it was when it was planned.
            TasksFailed: Tasks failed for good; what succeeded stays.
            VerificationFailed: The certificate found a fault; no manifest was written.
            Interrupted: `stop` was set, or the job was cancelled; the same call goes on where this one stopped.
        """

    def resume(self, dest: Location, on_event: OnEvent, stop: Stop | None = None) -> Report:
        """Go on with the job at DEST, with the source and the settings that it had.

        Raises:
            SourceError: ``source-missing`` or ``source-changed``.
            DestinationError: ``no-job``, there is none.
            StreamifyError: As `transcode`.
        """

    def status(self, dest: Location) -> JobStatus:
        """Return how far the job at DEST is, and whether it runs.

        Raises:
            DestinationError: ``no-job``.
        """

    def storage(self, location: Location) -> Storage:
        """Return the storage at a location, reached with the credentials of the backend.

        Raises:
            UsageError, DestinationError: It cannot be reached.
        """

    def explain(self, dest: Location, run: str | None = None) -> Explanation:
        """Return where the time of a run of the job at DEST went, and why it failed; by default of the last run.

        Raises:
            UsageError: ``run-unknown``.
            DestinationError: ``no-job``.
        """

    def cancel(self, dest: Location) -> Cancelled:
        """End the job at DEST in order, and wait until it has ended. What is finished stays.

        Raises:
            DestinationError: ``no-job``; ``cancel-slow``, it has not ended yet.
        """
