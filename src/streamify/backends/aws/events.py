"""What starts a job: an event of S3 through EventBridge, or a request of ours."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from streamify.errors import UsageError
from streamify.model.base import Frozen
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.subtitle import SUFFIXES
from streamify.settings.read import from_arguments

UPLOADS = ".streamify-uploads/"
"""Key prefix, in the uploads bucket, of sources that a command uploaded and starts an execution for."""


EMPTY = "__"
"""What an empty part of an upload's key is in the key of its stream, whose URLs must be read by every server."""


class Request(Frozen):
    """A job as its starter asks for it."""

    source: Location
    """``s3://BUCKET/KEY``."""
    dest: Location
    """``s3://BUCKET/PREFIX``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Keys of ``docs/reference/settings.md``."""
    resume: bool = False
    """Run it although it was carried out before."""
    version: str | None = None
    """Id of the version of the source that it is about, as an event of S3 names it; ``None``: the latest."""


def read_event(event: Any, media_bucket: str, defaults: dict[str, Any]) -> Request:
    """Return the job that an execution's input asks for.

    Args:
        event: Input of the execution. EventBridge gives keys as they are; only S3's own notifications encode them.
        media_bucket: Where streams of uploaded objects go: ``s3://media_bucket/KEY``, extension kept; an empty part of
            the key is `EMPTY` there.
        defaults: Settings of jobs that S3 starts.

    Raises:
        UsageError: ``aws-input``, it is neither; ``location-url``, the key of the object cannot be read.
    """
    if is_upload(event):
        bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
        # A new version of an object takes the place of the old one's stream.
        settings = {"replace": True, **defaults}
        source = Location.parse(f"s3://{bucket}/{key}")
        version = event["detail"]["object"].get("version-id")
        version = None if version in ("", "null") else version  # what a bucket calls it that keeps versions no more
        dest = Location("s3", media_bucket, _stream_key(source.key))
        return Request(source=source, dest=dest, settings=settings, version=version)
    try:
        request = Request.model_validate(event)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the input"
        raise _neither(f"{where}: {first['msg']}") from error
    for name, location in (("source", request.source), ("dest", request.dest)):
        if location.scheme != "s3":
            raise _neither(f"{name}: '{location}' is no s3:// URL")
    return request


def _stream_key(key: str) -> str:
    return "/".join(part or EMPTY for part in key.split("/"))


def _neither(what: str) -> UsageError:
    return UsageError(
        "aws-input",
        f"the execution's input cannot be used: {what}",
        'give {"source": "s3://...", "dest": "s3://...", "settings": {...}} or an event of S3',
    )


def is_upload(event: Any) -> bool:
    """Return whether an execution's input is an event of S3 that tells of a new object."""
    try:
        told = event["detail-type"], event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    except (TypeError, KeyError):
        return False
    return told[0] == "Object Created" and all(isinstance(value, str) for value in told)


def is_command_upload(event: Any) -> bool:
    """Return whether an event tells of an upload whose command starts the execution itself."""
    return is_upload(event) and event["detail"]["object"]["key"].startswith(UPLOADS)


def is_folder_marker(event: Any) -> bool:
    """Return whether an event tells of the empty object that consoles write to show a folder."""
    return is_upload(event) and event["detail"]["object"]["key"].endswith("/")


def is_words_upload(event: Any) -> bool:
    """Return whether an event tells of a file of subtitles."""
    return is_upload(event) and event["detail"]["object"]["key"].lower().endswith(SUFFIXES)


_ELSEWHERE = {"engine", "workers", "stack"}
"""Settings that say where a job runs; those who run it know."""


def request_of(source: Location, dest: Location, settings: Settings) -> Request:
    """Return the request of a command: all settings that decide bytes, and of the rest those that differ from defaults.

    It is carried out although it was before: a user who asks again may have deleted files.
    """
    others = settings.model_dump(mode="json", exclude_defaults=True, exclude=_ELSEWHERE)
    chosen = settings.media().model_dump(mode="json") | others
    return Request(source=source, dest=dest, settings=chosen, resume=True)


def settings_of(request: Request) -> Settings:
    """Return the settings of a request, checked as everywhere else.

    Raises:
        UsageError: One is unknown or out of range.
    """
    return from_arguments(request.settings).model_copy(update={"engine": "aws"})
