"""What starts a job: an event of S3 through EventBridge, or a request of ours."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import Field

from streamify.errors import UsageError
from streamify.model.base import Frozen
from streamify.model.plan import MEDIA_VERSION
from streamify.model.settings import MediaSettings
from streamify.settings_io import from_arguments

UPLOADS = ".streamify-uploads/"
"""Key prefix, in the uploads bucket, of sources that a command uploaded and starts an execution for."""


class Request(Frozen):
    """A job as its starter asks for it."""

    source: str
    """``s3://BUCKET/KEY``."""
    dest: str
    """``s3://BUCKET/PREFIX``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Keys of ``docs/reference/settings.md``."""
    resume: bool = False
    """Run it although it was carried out before."""


def read_event(event: dict[str, Any], media_bucket: str, defaults: dict[str, Any]) -> Request:
    """Return the job that an execution's input asks for.

    Args:
        event: Input of the execution. EventBridge gives keys as they are; only S3's own notifications encode them.
        media_bucket: Where streams of uploaded objects go: ``s3://media_bucket/KEY``, extension kept.
        defaults: Settings of jobs that S3 starts.

    Raises:
        UsageError: ``aws-input``, it is neither.
    """
    if event.get("detail-type") == "Object Created":
        detail = event["detail"]
        bucket, key = detail["bucket"]["name"], detail["object"]["key"]
        # A new version of an object takes the place of the old one's stream.
        settings = {"replace": True, **defaults}
        return Request(source=f"s3://{bucket}/{key}", dest=f"s3://{media_bucket}/{key}", settings=settings)
    known = {name: event[name] for name in Request.model_fields if name in event}
    if set(event) - set(known) or not {"source", "dest"} <= set(known):
        raise UsageError(
            "aws-input",
            f"the execution's input has the keys {', '.join(sorted(event)) or 'none'}",
            'give {"source": "s3://...", "dest": "s3://...", "settings": {...}} or an event of S3',
        )
    return Request.model_validate(known)


def is_command_upload(event: dict[str, Any]) -> bool:
    """Return whether an event tells of an upload whose command starts the execution itself."""
    return event.get("detail-type") == "Object Created" and event["detail"]["object"]["key"].startswith(UPLOADS)


def job_identity(identity: str, settings: MediaSettings) -> str:
    """Return what is equal for two requests that mean the same work: source version, settings, media version."""
    text = json.dumps([identity, settings.model_dump(mode="json"), MEDIA_VERSION], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def settings_of(request: Request) -> Any:
    """Return the settings of a request, checked as everywhere else.

    Raises:
        UsageError: One is unknown or out of range.
    """
    return from_arguments(request.settings)
