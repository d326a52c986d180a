"""The AWS engine: whole jobs, carried out by the state machine of the stack and followed from here.

A job is started by its DEST alone being free: one execution at a time holds it (`streamify.jobs.claim`). The
same request while its execution runs attaches to it.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass

from streamify.backends.aws.account import Account, Stack, find_stack, is_running
from streamify.backends.aws.client.follow import follow
from streamify.backends.aws.client.upload import upload, upload_key
from streamify.backends.aws.events import Request, request_of, settings_of
from streamify.backends.aws.outcome import error_of, was_refused
from streamify.dest.layout import REPORT
from streamify.errors import DestinationError, Interrupted, StreamifyError, UsageError
from streamify.executors.base import OnEvent
from streamify.jobs.claim import read as read_claim
from streamify.jobs.engine import Stop
from streamify.jobs.failures import failures_of
from streamify.jobs.hold_base import busy
from streamify.jobs.identity import job_identity
from streamify.jobs.locations import check_dest, find_object, find_source, refuse_dest
from streamify.jobs.record import read_job
from streamify.jobs.report import read_report
from streamify.jobs.sidecars import gather
from streamify.jobs.tell import narrated, no_event, teller
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import MediaSettings, Settings
from streamify.storage.objects import ObjectStorage


@dataclass(frozen=True)
class Job:
    """A job on AWS, as far as its follower needs it."""

    account: Account
    workflow: str
    """ARN of the state machine."""
    request: Request
    dest: Location
    media: ObjectStorage
    """Rooted at DEST."""

    def holder(self) -> Claim | None:
        """Return the claim of the execution that runs at DEST."""
        held = read_claim(self.media)
        return (
            held
            if held is not None and held.execution is not None and is_running(self.account, held.execution)
            else None
        )


def transcode(
    source: Location, dest: Location, settings: Settings, on_event: OnEvent | None = None, stop: Stop | None = None
) -> Report:
    """Carry a job out on AWS, or go on with it; return its report. A source of this machine is uploaded first.

    Raises:
        UsageError, SourceError, DestinationError: Something given, or the stack, cannot be used.
        CapExceeded: The stack refuses it.
        TasksFailed, VerificationFailed: As on every engine.
        Interrupted: `stop` was set; once the job runs on AWS it goes on there.
    """
    report_event, halt = on_event or no_event, stop or Stop()
    tell = teller(report_event)

    def run() -> Report:
        _check(source, dest)
        local = find_source(source)[1] if not source.remote else None
        account = Account()
        stack = find_stack(account, settings.stack)
        _refuse_bucket(dest, stack)
        refuse_dest(dest, source)
        original = source if local is None else Location("s3", stack.uploads, upload_key(local))
        gathered = gather(settings, source)
        request = request_of(original, dest, gathered.settings)
        job = Job(account, stack.workflow, request, dest, account.storage(dest))
        tell("job.started", f"{source} -> {dest}", {"source": source.name})
        check_dest(dest, replace=settings.replace, storage=job.media)
        held, recorded = job.holder(), read_job(job.media)
        if held is not None and recorded is not None and recorded.source != original:
            raise busy(dest, held)  # before hours of uploading
        if local is not None:
            upload(account, source, stack.uploads, tell, halt)
        gathered.keep(job.media)
        return _to_the_end(job, gathered.settings.media(), report_event, halt)

    return narrated(tell, run)


def resume(job: Job, on_event: OnEvent | None = None, stop: Stop | None = None) -> Report:
    """Go on with the last job at a DEST; follow it as `transcode` does."""
    report_event, halt = on_event or no_event, stop or Stop()
    tell = teller(report_event)

    def run() -> Report:
        tell("job.started", f"{job.request.source} -> {job.dest}", {"source": job.request.source.name})
        settings = gather(settings_of(job.request), job.request.source, here=False).settings
        return _to_the_end(job, settings.media(), report_event, halt)

    return narrated(tell, run)


def _to_the_end(job: Job, media: MediaSettings, on_event: OnEvent, stop: Stop) -> Report:
    """Attach to the execution that does the same, or start one; follow it to its end."""
    tell, held = teller(on_event), job.holder()
    source = job.request.source
    ref = find_object(source, job.account.storage(source.root))
    identity = job_identity(ref.identity, media)
    if held is not None and held.job != identity:
        raise busy(job.dest, held)
    if stop.is_set():
        raise Interrupted(stop.exit_code)
    execution = str(held.execution) if held is not None else _start(job, identity)
    tell("note", f"{'attached to' if held else 'started'} {execution}", {"execution": execution})
    while True:
        end = follow(job.account, execution, str(job.dest), job.media, on_event, stop)
        if end["status"] != "SUCCEEDED" or was_refused(end):
            failures = failures_of(execution.rsplit(":", 1)[-1], job.media)
            raise _told(error_of(end, str(job.dest), failures), source.root.url)
        other = json.loads(end.get("output") or "{}").get("plan", {}).get("execution")
        if other is None:
            return _report(job)  # ours did it, or it had been done before
        execution = str(other)  # which does the same, and was faster by a moment
        tell("note", f"attached to {execution}", {"execution": execution})


def _start(job: Job, identity: str) -> str:
    """Start an execution; return its ARN. Its name is a part of keys at DEST."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", job.request.dest.name).strip("-")[:40] or "job"
    name = f"{slug}-{identity[:12]}-{secrets.token_hex(4)}"
    text = job.request.to_json().decode()
    answer = job.account.ask("stepfunctions", "StartExecution", stateMachineArn=job.workflow, name=name, input=text)
    return str(answer["executionArn"])


def _report(job: Job) -> Report:
    report = read_report(job.media)
    if report is None:
        raise DestinationError(
            "report-unreadable", f"{job.dest}/{REPORT} is missing or of another version",
            "deploy the stack of this version, or write it again: streamify transcode SOURCE DEST --replace",
        )  # fmt: skip
    return report


def _told(error: StreamifyError, bucket: str) -> StreamifyError:
    """Say what only we know: the functions may read the uploads bucket, and perhaps no other."""
    if error.code != "storage-denied" or bucket not in error.message:
        return error
    return DestinationError(
        error.code,
        error.message,
        "the stack's functions may read its uploads bucket: copy the source there, or let their roles read it",
    )


def refuse_places(source: Location, dest: Location, settings: Settings) -> None:
    """Refuse, before any job, places with which each of them would fail.

    Args:
        source: Of the jobs, or what holds their sources.
        dest: Likewise.
        settings: Of the jobs.

    Raises:
        UsageError: ``aws-source`` or ``aws-dest``.
        DestinationError: The stack cannot be found, or its functions may not write there.
    """
    _check(source, dest)
    _refuse_bucket(dest, find_stack(Account(), settings.stack))


def _check(source: Location, dest: Location) -> None:
    """Refuse, before AWS is asked for anything, what this engine cannot do."""
    if source.scheme not in ("file", "s3"):
        raise UsageError(
            "aws-source", f"SOURCE '{source}': the AWS engine reads files and s3://", "download it, and give the path"
        )
    if dest.scheme != "s3":
        raise UsageError(
            "aws-dest",
            f"DEST '{dest}': the AWS engine writes to s3://",
            "give a prefix in the stack's media bucket: s3://BUCKET/PREFIX",
        )


def _refuse_bucket(dest: Location, stack: Stack) -> None:
    if dest.bucket != stack.media:
        raise DestinationError(
            "aws-other-bucket",
            f"DEST '{dest}' is not in the stack's media bucket, the only one that its functions may write",
            f"give s3://{stack.media}/PREFIX, or name another --stack",
        )
