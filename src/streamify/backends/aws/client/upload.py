"""A source of this machine into the uploads bucket, where the functions of the stack can read it."""

from __future__ import annotations

from streamify.backends.aws.account import Account
from streamify.backends.aws.client.parts import Parts, PartsGone, Stopped
from streamify.backends.aws.events import UPLOADS
from streamify.backends.aws.refusals import refusal
from streamify.errors import DestinationError, Interrupted, SourceError
from streamify.jobs.engine import Stop
from streamify.jobs.locations import find_source
from streamify.jobs.tell import Tell
from streamify.model.location import Location
from streamify.model.source import SourceRef
from streamify.storage.objects import ObjectStorage


def upload_key(ref: SourceRef) -> str:
    """Return where a file goes: another version of it gets another key."""
    return f"{UPLOADS}{ref.identity}/{ref.key}"


def upload(account: Account, source: Location, bucket: str, tell: Tell, stop: Stop) -> None:
    """Upload a file unless it is there already; go on with an upload of it that was cut off.

    Raises:
        SourceError: It cannot be read, or changed meanwhile.
        DestinationError: The bucket cannot be used.
        Interrupted: `stop` was set; parts that were sent stay for the next command.
    """
    folder, ref = find_source(source)
    storage, key = account.storage(Location("s3", bucket, "")), upload_key(ref)
    there = storage.stat(key)
    found = there is not None and there.size == ref.size
    parts = Parts(account, folder.child(ref.key).path, ref.size, bucket, key, stop)
    if found or not _send(parts, storage, key, ref.size, tell, stop, new=there is None):
        tell("note", f"{source} is in s3://{bucket} already", {})
        return
    if find_source(source)[1] != ref:
        storage.delete(key)  # its name says that it is the file as it was
        raise SourceError(
            "source-changed", f"{source} changed while it was uploaded", "leave it alone and run the command again"
        )


def _send(parts: Parts, storage: ObjectStorage, key: str, size: int, tell: Tell, stop: Stop, *, new: bool) -> bool:
    """Send a file; with `new`, return whether it was not there yet: another command may be sending it as well.

    A second version of the object would be another original, and the job would be done twice.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    def sent(count: int) -> None:
        tell("upload.progress", "", {"bytes": min(count, size), "total": size})

    def found(count: int) -> None:
        tell("note", f"{count} of {size} bytes are there from an earlier upload", {"bytes": count})

    try:
        parts.send(found, sent, new=new)
    except Stopped as error:
        raise Interrupted(
            stop.exit_code, "the upload was stopped", "the same command goes on with it, for seven days"
        ) from error
    except PartsGone as error:
        there = storage.stat(key)
        if there is not None and there.size == size:
            return False
        raise DestinationError(
            "aws-upload-gone", f"the upload to {key} was ended by somebody else", "run the same command again"
        ) from error
    except (BotoCoreError, ClientError) as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") == "PreconditionFailed":
            return False
        raise refusal(error, "s3:PutObject") from error
    sent(size)
    return True
