"""The first step of a job on AWS: what is asked for, whether it is ours to do, and what of it is missing."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from streamify.backends.aws.account import Account, is_running
from streamify.backends.aws.events import (
    is_command_upload,
    is_folder_marker,
    is_upload,
    is_words_upload,
    read_event,
    settings_of,
)
from streamify.backends.aws.functions.bounds import bounded, environment_stack
from streamify.backends.aws.functions.later import clean_up, is_clean
from streamify.backends.aws.pricing.routing import choose_groups
from streamify.dest.layout import CLAIM
from streamify.errors import CapExceeded, DestinationError, UsageError
from streamify.jobs.claim import take
from streamify.jobs.hold_base import describe
from streamify.jobs.identity import job_identity
from streamify.jobs.locations import check_dest, find_source, refuse_dest
from streamify.jobs.record import new_job, write_job
from streamify.jobs.report import read_report
from streamify.jobs.sidecars import gather
from streamify.jobs.state_files import check_saved
from streamify.jobs.steps import Carry, Run, in_process, split_step
from streamify.model.job import Claim
from streamify.settings.read import from_arguments
from streamify.storage.locate import StoreLocations, open_storage
from streamify.storage.objects import ObjectStorage

LONGEST = 850
"""Bytes of a DEST: keys of S3 have at most 1024, and those of runs add 160."""

SUPERSEDED = "the original was uploaded again: its latest version has a job of its own"


def start_job(event: dict[str, Any], worker: str = "", carry: Carry = in_process) -> dict[str, Any]:
    """Do what `streamify.backends.aws.functions.handlers.split` says; errors are raised.

    Args:
        event: As there.
        worker: What runs it, for the record of attempts.
        carry: Runs what opens the source.

    Raises:
        StreamifyError: The job cannot be done, or may not.
    """
    given, execution = event["input"], event["execution"]
    if is_clean(given):
        return clean_up(given, execution, lambda held: is_running(_account(), str(held.execution)))
    if is_command_upload(given):
        return _duplicate(event, "the command that uploaded it starts an execution of its own")
    if is_folder_marker(given):
        return _duplicate(event, "it is a folder, no file")
    if is_words_upload(given):
        return _duplicate(event, "it holds subtitles, which are read with their film")
    _check_days()
    request = read_event(given, os.environ["MEDIA_BUCKET"], _defaults())
    settings = settings_of(request)
    uploads, ref = find_source(request.source)
    largest = _number("MAX_SOURCE_BYTES")
    if largest and ref.size > largest:
        raise CapExceeded(
            "source-too-large",
            f"{request.source} has {ref.size} bytes, the cap is {largest}",
            "raise MaxSourceBytes of the stack",
        )
    media = request.dest
    if request.version not in (None, ref.version):  # an event that comes late must not put the old one back
        return {"status": "superseded", "reason": SUPERSEDED, "job": {"source": request.source.url, "dest": media.url}}
    refuse_dest(media, request.source)
    length = len(media.url.encode())
    if length > LONGEST:
        raise UsageError(
            "location-url",
            f"'{request.dest}' has {length} bytes: S3 could not name the files below it",
            f"choose a key so that it has at most {LONGEST}",
        )
    gathered = gather(settings, request.source, here=False)
    settings = gathered.settings
    job = {"source": request.source.url, "dest": media.url}
    identity = job_identity(ref.identity, settings.media())
    dest = open_storage(media)
    assert isinstance(dest, ObjectStorage)
    check_dest(media, replace=settings.replace)  # before the claim makes DEST look like ours
    if is_upload(given) and _is_complete(dest, ref.identity, replace=settings.replace):
        # An event that comes once more, whatever has been made of that version with other settings since.
        return _duplicate(event, "this version of the original has its stream")
    began = datetime.fromisoformat(event["started"]).timestamp()
    name = execution.rsplit(":", 1)[-1]
    wanted = Claim(job=identity, run=name, engine="aws", execution=execution, started=began)
    earlier = take(dest, wanted, lambda other: _is_running(other, dest), replace=settings.replace)
    if earlier.run != wanted.run:
        if earlier.job != identity or earlier.execution is None:
            return {"status": "busy", "reason": f"another job runs there: {describe(earlier)}", "job": job,
                    "wait": _patience(event["started"])}  # fmt: skip
        return {"status": "duplicate", "reason": f"the same job runs there: {earlier.execution}", "job": job,
                "execution": earlier.execution}  # fmt: skip
    if not request.resume and _is_complete(dest, ref.identity, identity, replace=settings.replace):
        return _duplicate(event, "the stream is complete")
    run = Run(
        id=name,
        places=StoreLocations(uploads=uploads, media=media),
        source=ref,
        settings=settings,
        began=began,
    )
    check_saved(dest, replace=settings.replace)
    gathered.keep(dest)
    write_job(dest, new_job(request.source, ref, media, settings))
    early = settings.publish == "early" and read_report(dest, newer="ignore") is None  # a whole stream stays
    prepared = split_step(
        run,
        partial(choose_groups, stack=environment_stack()),
        _number("MAX_SCAN_BYTES") or None,
        worker=worker,
        carry=carry,
        foresee=partial(bounded, max_cost=settings.max_cost, early=early),
        early=early,
    )
    return {
        "status": "planned",
        "job": job,
        "run": run.model_dump(mode="json", by_alias=True),
        "prepared": prepared.model_dump(mode="json"),
        "items": {"bucket": media.bucket, "key": media.child(prepared.items).key},
        **({"early": True} if early else {}),
    }


def _duplicate(event: dict[str, Any], reason: str) -> dict[str, Any]:
    return {"status": "duplicate", "reason": reason, "job": named(event)}


def _defaults() -> dict[str, Any]:
    """Return the settings of the stack.

    Raises:
        UsageError: ``aws-settings``, they are no JSON object of settings; whoever uploads cannot mend that.
    """
    text = os.environ.get("SETTINGS") or "{}"
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            "aws-settings",
            f"the stack's parameter Settings is no JSON object: {text[:200]}",
            'deploy it with one, such as {"ladder": "720p,360p"}',
        )
    try:
        from_arguments(found)
    except UsageError as error:
        what = error.message.removeprefix("argument ")
        raise UsageError(
            "aws-settings", f"the stack's parameter Settings: {what}", "mend it there and deploy the stack again"
        ) from error
    return found


def _check_days() -> None:
    """Make sure that no plan of a job expires before the job must be over.

    Raises:
        UsageError: ``aws-settings``.
    """
    days, longest = _number("RUN_DAYS"), _number("LONGEST_JOB_SECONDS")
    if days and days * 86400 < longest:
        raise UsageError(
            "aws-settings",
            f"the stack keeps plans of runs for {days} days (RunDays), and a job may take {longest:,} s"
            " (LongestJobSeconds)",
            f"deploy it with a RunDays of {-(-longest // 86400)} or more, or a lower LongestJobSeconds",
        )


def named(event: dict[str, Any]) -> dict[str, str]:
    """Return what can be said of a job whose request cannot be read."""
    given = event.get("input")
    found = given if isinstance(given, dict) else {}
    if is_upload(found):
        detail = found["detail"]
        return {"source": f"s3://{detail['bucket']['name']}/{detail['object']['key']}", "dest": ""}
    return {name: str(found.get(name, ""))[:2000] for name in ("source", "dest")}


def is_superseded(run: Run) -> bool:
    """Return whether a newer version of a run's source is there.

    Raises:
        DestinationError: The store cannot be asked.
    """
    found = open_storage(run.places.uploads).stat(run.source.key)
    return found is not None and found.version != run.source.version


def _is_complete(dest: ObjectStorage, source: str, job: str | None = None, *, replace: bool = False) -> bool:
    """Return whether the stream of a source stands at DEST; with `job`, as that job makes it."""
    report = read_report(dest, newer="ignore" if replace else "refuse")
    if report is None or report.source.ref.identity != source:
        return False
    return job is None or job_identity(source, report.settings) == job


def _number(variable: str) -> int:
    return int(os.environ.get(variable) or 0)


def _patience(started: str) -> int:
    """Return how long to wait for one's turn, seconds: about as long as one has waited, at most two minutes."""
    waited = datetime.now(UTC) - datetime.fromisoformat(started)
    return max(2, min(120, int(waited.total_seconds())))


def _is_running(held: Claim, dest: ObjectStorage) -> bool:
    """Return whether the execution that holds DEST still runs.

    Raises:
        DestinationError: ``dest-claimed``, it is of another stack, whose executions this one may not look at.
    """
    try:
        return is_running(_account(), str(held.execution))
    except DestinationError as error:
        if error.code != "aws-denied":
            raise
        if read_report(dest) is not None:
            return False  # it ended, well
        raise DestinationError(
            "dest-claimed",
            f"the DEST is held by {held.execution}, which this stack may not look at",
            f"if that job does not run any more, delete {CLAIM} there",
        ) from error


@cache
def _account() -> Account:
    return Account()
