"""The Lambda functions: parse, call a step, format.

What a user can mend comes back as ``{"status": "failed", "error": {...}}`` and is never tried again. What can pass by
itself is raised as `TransientError`, which the state machine retries with backoff; what ends the process - memory,
time, a crash - reaches the state machine as Lambda's own errors.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from functools import cache
from typing import Any

from streamify.aws import claim
from streamify.aws.events import job_identity, read_event, settings_of
from streamify.errors import CapExceeded, StreamifyError, TasksFailed, VerificationFailed
from streamify.model.report import Report
from streamify.pipeline.items import Item
from streamify.pipeline.places import find_dest, find_source
from streamify.pipeline.steps import Failure, Prepared, Run, assemble_step, record_failure, split_step, task_step
from streamify.storage.locate import StoreLocations, open_storage
from streamify.storage.objects import ObjectStorage

NAMED = 20
"""Failed tasks that an answer names; all of them stand in the media bucket. An answer has at most 256 KiB."""

_TRANSIENT = frozenset({"storage-failed", "storage-unreachable"})


class TransientError(Exception):
    """Something that may be gone at the next try."""


def split(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan a job and write its item list.

    Args:
        event: ``input``: the execution's input; ``execution``: its ARN; ``started``: when, ISO 8601.
        context: Of Lambda.

    Returns:
        ``status``: ``planned`` (with ``run``, ``prepared`` and where the items are), ``duplicate`` or ``failed``.
    """
    try:
        return _split(event)
    except StreamifyError as error:
        return {"status": "failed", "error": _refusal(error), "job": _named(event)}


def _split(event: dict[str, Any]) -> dict[str, Any]:
    request = read_event(event["input"], os.environ["MEDIA_BUCKET"], json.loads(os.environ.get("SETTINGS") or "{}"))
    settings = settings_of(request)
    uploads, ref = find_source(request.source)
    largest = int(os.environ.get("MAX_SOURCE_BYTES") or 0)
    if largest and ref.size > largest:
        raise CapExceeded(
            "source-too-large",
            f"{request.source} has {ref.size} bytes, the cap is {largest}",
            "raise MaxSourceBytes of the stack",
        )
    media = find_dest(request.dest, request.source)
    job = {"source": request.source, "dest": request.dest}
    identity = job_identity(ref.identity, settings.media())
    dest = open_storage(media)
    assert isinstance(dest, ObjectStorage)
    wanted = claim.Claim(execution=event["execution"], job=identity)
    earlier = claim.take(dest, wanted, _is_running)
    if earlier != wanted:
        same = earlier.job == identity
        why = "the same job" if same else "another job"
        return {"status": "duplicate", "reason": f"{why} runs there: {earlier.execution}", "job": job}
    if not request.resume and _is_complete(dest, ref.identity, identity):
        return {"status": "duplicate", "reason": "the stream is complete", "job": job}
    run = Run(
        id=event["execution"].rsplit(":", 1)[-1],
        places=StoreLocations(uploads=uploads, media=media),
        source=ref,
        settings=settings,
        began=datetime.fromisoformat(event["started"]).timestamp(),
    )
    prepared = split_step(run, int(os.environ.get("GROUP_BELOW") or 0))
    bucket, _, prefix = media.removeprefix("s3://").partition("/")
    return {
        "status": "planned",
        "job": job,
        "run": run.model_dump(mode="json", by_alias=True),
        "prepared": prepared.model_dump(mode="json"),
        "items": {"bucket": bucket, "key": f"{prefix}/{prepared.items}" if prefix else prepared.items},
    }


def transcode(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run the task that ``item`` points at, as part of ``run``."""
    run, item = Run.model_validate(event["run"]), Item.model_validate(event["item"])
    try:
        task_step(run, item, threads=int(os.environ.get("THREADS") or 1))
    except StreamifyError as error:
        refusal = _refusal(error)
        record_failure(run, Failure(key=item.key, exit_code=error.exit_code, **{
            name: refusal[name] for name in ("code", "cause", "hint")}))  # fmt: skip
        return {"status": "failed", "key": item.key}
    return {"status": "done", "key": item.key}


def record(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Note a task that ended its worker as often as it was tried: ``error`` is what Lambda said of the last one."""
    run, item = Run.model_validate(event["run"]), Item.model_validate(event["item"])
    said = event.get("error") or {}
    cause = " ".join(str(said.get("Cause") or "no cause given").split())[:1000]
    name = str(said.get("Error") or "unknown")
    failure = Failure(
        key=item.key,
        code="worker-lost",
        cause=f"{name}: {cause}",
        hint="raise TranscoderMemory or LargeMemory of the stack where it ran out of memory or time",
        exit_code=4,
        attempts=int(os.environ.get("ATTEMPTS") or 1),
    )
    record_failure(run, failure)
    return {"status": "failed", "key": item.key}


def assemble(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the certificate, publish the manifests.

    Args:
        event: ``run`` and ``prepared`` as split gave them, ``workers``: the most tasks that ran at once.
        context: Of Lambda.

    Returns:
        ``status``: ``complete`` or ``failed``.
    """
    run, prepared = Run.model_validate(event["run"]), Prepared.model_validate(event["prepared"])
    job = {"source": f"{run.places.uploads}/{run.source.key}", "dest": run.places.media}
    try:
        report = assemble_step(run, prepared, int(event["workers"]), engine="aws")
    except StreamifyError as error:
        return {"status": "failed", "error": _refusal(error), "job": job}
    return {"status": "complete", "job": job, **_summary(report)}


def _summary(report: Report) -> dict[str, Any]:
    return {
        "frames": report.certificate.encoded,
        "tasks_run": report.tasks_run,
        "tasks_reused": report.tasks_reused,
        "wall_seconds": report.wall_seconds,
        "cpu_seconds": report.cpu_seconds,
    }


def _refusal(error: StreamifyError) -> dict[str, Any]:
    """Return an expected error as JSON.

    Raises:
        TransientError: It may be gone at the next try.
    """
    if error.code in _TRANSIENT:
        raise TransientError(str(error)) from error
    found = {"code": error.code, "cause": error.message[:4000], "hint": error.hint, "exit_code": error.exit_code}
    if isinstance(error, TasksFailed):
        found["cause"] = f"{len(error.failures)} task(s) failed"
        found["failures"] = [
            {"key": one.key, "code": one.code, "cause": str(one)[:500]} for one in error.failures[:NAMED]
        ]
    if isinstance(error, VerificationFailed):
        found["cause"] = f"{len(error.faults)} fault(s)"
        found["faults"] = [fault[:500] for fault in error.faults[:NAMED]]
    return found


def _named(event: dict[str, Any]) -> dict[str, str]:
    """Return what can be said of a job whose request cannot be read."""
    given = event.get("input") or {}
    detail = given.get("detail") or {}
    bucket, key = detail.get("bucket", {}).get("name"), detail.get("object", {}).get("key")
    return {
        "source": f"s3://{bucket}/{key}" if bucket else str(given.get("source", "")),
        "dest": str(given.get("dest", "")),
    }


def _is_complete(dest: ObjectStorage, source: str, job: str) -> bool:
    data = dest.get("report.json")
    if data is None:
        return False
    try:
        report = Report.from_json(data)
    except ValueError:
        return False
    return report.source.ref.identity == source and job_identity(source, report.settings) == job


def _is_running(execution: str) -> bool:
    client = _states()
    try:
        return bool(client.describe_execution(executionArn=execution)["status"] == "RUNNING")
    except client.exceptions.ExecutionDoesNotExist:
        return False


@cache
def _states() -> Any:
    import boto3

    return boto3.client("stepfunctions")
