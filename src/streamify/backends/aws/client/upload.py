"""A source of this machine into the uploads bucket, where the functions of the stack can read it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from streamify.backends.aws.account import Account
from streamify.backends.aws.events import UPLOADS
from streamify.backends.aws.refusals import refusal
from streamify.errors import Interrupted, SourceError
from streamify.jobs.engine import Stop
from streamify.jobs.locations import find_source
from streamify.jobs.tell import Tell
from streamify.model.location import Location
from streamify.model.source import SourceRef

EVERY = 0.5
"""Seconds between two events of progress."""


def upload_key(ref: SourceRef) -> str:
    """Return where a file goes: another version of it gets another key."""
    return f"{UPLOADS}{ref.identity}/{ref.key}"


def upload(account: Account, source: Location, bucket: str, tell: Tell, stop: Stop) -> None:
    """Upload a file unless it is there already.

    Raises:
        SourceError: It cannot be read, or changed meanwhile.
        DestinationError: The bucket cannot be used.
        Interrupted: `stop` was set; nothing of it stays in the bucket.
    """
    folder, ref = find_source(source)
    storage, key = account.storage(Location("s3", bucket, "")), upload_key(ref)
    there = storage.stat(key)
    found = there is not None and there.size == ref.size
    if found or not _send(account, folder.child(ref.key).path, bucket, key, ref.size, tell, stop, new=there is None):
        tell("note", f"{source} is in s3://{bucket} already", {})
        return
    if find_source(source)[1] != ref:
        storage.delete(key)  # its name says that it is the file as it was
        raise SourceError(
            "source-changed", f"{source} changed while it was uploaded", "leave it alone and run the command again"
        )


def _send(account: Account, path: Path, bucket: str, key: str, size: int, tell: Tell, stop: Stop, *, new: bool) -> bool:
    """Upload a file; with `new`, return whether it was not there yet: another command may be uploading it as well.

    A second version of the object would be another original, and the job would be done twice.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.manager import TransferManager
    from s3transfer.subscribers import BaseSubscriber

    sent, lock = [0], threading.Lock()

    class Count(BaseSubscriber):  # type: ignore[misc]
        """Called from many threads, with a negative number where a part is sent again."""

        def on_progress(self, bytes_transferred: int, **_: object) -> None:
            with lock:
                sent[0] += bytes_transferred

    client = account.client("s3")
    with _new_only(client) if new else nullcontext(), TransferManager(client) as manager:
        future = manager.upload(str(path), bucket, key, subscribers=[Count()])
        while not future.done():
            if stop.wait(EVERY):
                future.cancel()  # which removes the parts that are there
                break
            tell("upload.progress", "", {"bytes": min(sent[0], size), "total": size})
        try:
            future.result()
        except CancelledError as error:
            raise Interrupted(stop.exit_code) from error
        except (BotoCoreError, ClientError) as error:
            if getattr(error, "response", {}).get("Error", {}).get("Code") == "PreconditionFailed":
                return False
            raise refusal(error, "s3:PutObject") from error
        except OSError as error:
            raise SourceError("source-unreadable", f"{path}: {error.strerror}", "check its permissions") from error
    tell("upload.progress", "", {"bytes": size, "total": size})
    return True


@contextmanager
def _new_only(client: Any) -> Iterator[None]:
    """Let writes fail with ``PreconditionFailed`` where the object exists; s3transfer passes no such condition on."""

    def condition(params: dict[str, Any], **_: object) -> None:
        params["headers"]["If-None-Match"] = "*"

    writes = [f"before-call.s3.{operation}" for operation in ("PutObject", "CompleteMultipartUpload")]
    for name in writes:
        client.meta.events.register(name, condition)
    try:
        yield
    finally:
        for name in writes:
            client.meta.events.unregister(name, condition)
