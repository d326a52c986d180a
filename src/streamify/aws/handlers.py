"""The Lambda functions: parse, call a step, format.

What a user can mend comes back as ``{"status": "failed", "error": {...}}`` and is never tried again. What can pass by
itself is raised as `TransientError`, which the state machine retries with backoff; what ends the process - memory,
time, a crash - reaches the state machine as Lambda's own errors.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from streamify.aws import claim
from streamify.aws.cost import refuse_above
from streamify.aws.deployment import Deployment
from streamify.aws.events import is_command_upload, job_identity, read_event, settings_of
from streamify.aws.predict import predict_items
from streamify.errors import CapExceeded, StreamifyError, TasksFailed, VerificationFailed
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.pipeline.items import Item
from streamify.pipeline.places import check_dest, find_dest, find_source
from streamify.pipeline.steps import Failure, Prepared, Run, assemble_step, record_failure, split_step, task_step
from streamify.storage.locate import StoreLocations, open_storage
from streamify.storage.objects import ObjectStorage
from streamify.tasks.split import read_plan

NAMED = 20
"""Failed tasks that an answer names; all of them stand in the media bucket. An answer has at most 256 KiB."""

_TRANSIENT = frozenset({"storage-failed", "storage-unavailable", "storage-unreachable"})


class TransientError(Exception):
    """Something that may be gone at the next try."""


def split(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan a job and write its item list.

    Args:
        event: ``input``: the execution's input; ``execution``: its ARN; ``started``: when, ISO 8601.
        context: Of Lambda.

    Returns:
        ``status``: ``planned`` (with ``run``, ``prepared`` and where the items are), ``duplicate``, ``failed``, or
        ``busy``: another job, such as that of an earlier version, holds the DEST; ask again in ``wait`` seconds.

    Raises:
        TransientError: To be tried again.
    """
    try:
        return _split(event)
    except StreamifyError as error:
        return {"status": "failed", "error": _refusal(error), "job": _named(event)}


def _split(event: dict[str, Any]) -> dict[str, Any]:
    if is_command_upload(event["input"]):
        reason = "the command that uploaded it starts an execution of its own"
        return {"status": "duplicate", "reason": reason, "job": _named(event)}
    request = read_event(event["input"], os.environ["MEDIA_BUCKET"], json.loads(os.environ.get("SETTINGS") or "{}"))
    settings = settings_of(request)
    uploads, ref = find_source(request.source)
    largest = _number("MAX_SOURCE_BYTES")
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
    check_dest(media, request.dest, replace=settings.replace)  # before the claim makes DEST look like ours
    wanted = claim.Claim(execution=event["execution"], job=identity, request=request)
    earlier = claim.take(dest, wanted, _is_running)
    if earlier.execution != wanted.execution:
        if earlier.job != identity:
            return {"status": "busy", "reason": f"another job runs there: {earlier.execution}", "job": job,
                    "wait": _patience(event["started"])}  # fmt: skip
        return {"status": "duplicate", "reason": f"the same job runs there: {earlier.execution}", "job": job,
                "execution": earlier.execution}  # fmt: skip
    if not request.resume and _is_complete(dest, ref.identity, identity):
        return {"status": "duplicate", "reason": "the stream is complete", "job": job}
    run = Run(
        id=event["execution"].rsplit(":", 1)[-1],
        places=StoreLocations(uploads=uploads, media=media),
        source=ref,
        settings=settings,
        began=datetime.fromisoformat(event["started"]).timestamp(),
    )
    prepared = split_step(run, _number("GROUP_BELOW"), _number("MAX_SCAN_BYTES") or None)
    _refuse_dear(settings, prepared, dest)
    bucket, _, prefix = media.removeprefix("s3://").partition("/")
    return {
        "status": "planned",
        "job": job,
        "run": run.model_dump(mode="json", by_alias=True),
        "prepared": prepared.model_dump(mode="json"),
        "items": {"bucket": bucket, "key": f"{prefix}/{prepared.items}" if prefix else prepared.items},
    }


def _refuse_dear(settings: Settings, prepared: Prepared, dest: ObjectStorage) -> None:
    """Raise where what is to be made is predicted to cost more than the stack or the job allows.

    Raises:
        CapExceeded: ``cost-too-high``.
    """
    caps = [cap for cap in (float(os.environ.get("MAX_COST") or 0), settings.max_cost) if cap]
    if not caps:
        return
    names = {"memory": "TRANSCODER_MEMORY", "group_below": "GROUP_BELOW", "max_concurrency": "MAX_CONCURRENCY",
             "architecture": "ARCHITECTURE"}  # fmt: skip
    stack = Deployment.model_validate(
        {field: os.environ[name] for field, name in names.items() if os.environ.get(name)}
    )
    plan = read_plan(dest)
    assert plan is not None  # split_step wrote it
    lines = (dest.get(prepared.items) or b"").splitlines()
    refuse_above(predict_items(plan, dest, [Item.from_json(line) for line in lines], stack), min(caps))


def transcode(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run the task that ``item`` points at, as part of ``run``."""
    run, item = Run.model_validate(event["run"]), Item.model_validate(event["item"])
    try:
        task_step(run, item, threads=_number("THREADS") or 1)
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
        attempts=_number("ATTEMPTS") or 1,
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


def _number(variable: str) -> int:
    return int(os.environ.get(variable) or 0)


def _patience(started: str) -> int:
    """Return how long to wait for one's turn, seconds: about as long as one has waited, at most two minutes."""
    waited = datetime.now(UTC) - datetime.fromisoformat(started)
    return max(2, min(120, int(waited.total_seconds())))


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
