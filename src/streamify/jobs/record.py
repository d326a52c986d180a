"""What DEST keeps of a job and of each run of it, on every engine: request, run, failed tasks."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from streamify.dest.layout import JOB, run_record_key
from streamify.errors import Failure, Interrupted, JobCancelled, StreamifyError
from streamify.jobs.attempts import AttemptLog
from streamify.jobs.failures import write_failure
from streamify.jobs.identity import job_identity
from streamify.machine.host import this_host
from streamify.model.job import Claim, JobRecord, Outcome, RunRecord
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.storage.base import Storage, is_out_of_reach
from streamify.storage.saved import read_saved


def new_job(source: Location, ref: SourceRef, dest: Location, settings: Settings) -> JobRecord:
    """Return the record of a job that is asked for now."""
    return JobRecord(
        id=job_identity(ref.identity, settings.media()),
        source=source,
        source_identity=ref.identity,
        dest=dest,
        settings=settings,
        created=time.time(),
    )


def write_job(media: Storage, record: JobRecord) -> None:
    """Write the record of a job, unless the same job is recorded already: it was created then."""
    try:
        before = read_saved(media, JOB, JobRecord, at="DEST")
    except StreamifyError as error:
        if is_out_of_reach(error):
            raise
        before = None  # damaged, and replaced by what is known now
    if before is not None and before.model_copy(update={"created": record.created}) == record:
        return
    media.put(JOB, record.to_json())


def read_job(media: Storage) -> JobRecord | None:
    """Return the record of the job at DEST, or ``None``: there is none, or its run was of an earlier version.

    Raises:
        DestinationError: It is damaged, or of a newer version.
    """
    return read_saved(media, JOB, JobRecord, at="DEST")


def local_claim(job: JobRecord) -> Claim:
    """Return the claim of a new run in this process."""
    now = time.time()
    run = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}-{secrets.token_hex(4)}"
    return Claim(job=job.id, run=run, engine=job.settings.engine, host=this_host(), pid=os.getpid(), started=now)


class RunLog:
    """Keeps the record of one run."""

    def __init__(self, media: Storage, record: RunRecord) -> None:
        self._media = media
        self.record = record
        self.attempts = AttemptLog(media, record.id)

    def update(self, **fields: object) -> None:
        """Change fields of the record and write it."""
        self.record = self.record.model_copy(update=fields)
        self._media.put(run_record_key(self.record.id), self.record.to_json())

    def failed(self, failures: Iterable[Failure]) -> None:
        """Note the tasks that failed for good."""
        for failure in failures:
            write_failure(self._media, self.record.id, failure)


@contextmanager
def recorded(media: Storage, claim: Claim) -> Iterator[RunLog]:
    """Keep the record of a run: that it runs, and how it ends."""
    log = RunLog(media, RunRecord(id=claim.run, engine=claim.engine, started=claim.started))
    log.update()
    outcome: Outcome | None = "failed"
    error = None
    try:
        yield log
        outcome = "complete"
    except Interrupted as stopped:
        outcome = "cancelled" if isinstance(stopped, JobCancelled) else "interrupted"
        raise
    except StreamifyError as failed:
        if is_out_of_reach(failed):
            outcome = None  # it was waited for long enough
        error = f"{failed.message[:2000]} [{failed.code}]"
        raise
    except Exception as bug:
        error = f"{type(bug).__name__}: {bug}"
        raise
    finally:
        if outcome is not None:
            log.attempts.close()
            _end(log, outcome, error)


def _end(log: RunLog, outcome: Outcome, error: str | None) -> None:
    try:
        log.update(ended=time.time(), outcome=outcome, error=error)
    except StreamifyError:
        if outcome == "complete":
            raise  # else DEST is what failed, and the first error says more


def read_run(media: Storage, run: str) -> RunRecord | None:
    """Return the record of a run, or ``None`` where there is none."""
    return read_saved(media, run_record_key(run), RunRecord, at="DEST")
