"""A file sent to S3 in parts, going on with the parts that an earlier command left there.

What of the file is there is asked of S3 alone: parts of an upload that was begun are listed, and each is compared with
the file by its checksum before it is taken for sent.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from streamify.backends.aws.refusals import refusal
from streamify.errors import DestinationError, SourceError

if TYPE_CHECKING:
    from streamify.backends.aws.account import Account
    from streamify.jobs.engine import Stop

MIB = 1 << 20
PART = 16 * MIB
"""Bytes of a part at least."""
MOST = 10_000
"""Parts of an object at most: a limit of S3."""
AT_ONCE, HELD = 8, 256 * MIB
"""Parts that are sent at once, and bytes of them that are held at most."""
EVERY = 0.5
"""Seconds between two looks at what was sent."""

OnSent = Callable[[int], None]
"""Told how many bytes are there."""


class Stopped(BaseException):
    """Sending was stopped; no `Exception`, or botocore would try again."""


class PartsGone(Exception):
    """Nobody knows the upload any more: another command has completed it, or it was removed."""


def part_size(size: int) -> int:
    """Return the bytes of each part but the last of a file of `size` bytes: the same for every command."""
    return max(PART, -(-size // MOST // MIB) * MIB)


class Parts:
    """The parts of one file in one object.

    Args:
        account: That sends them.
        path: Of the file.
        size: Bytes of it.
        bucket: Of the object.
        key: Of the object, which names the file's content: whatever is sent there is of the same file.
        stop: Ends the sending.
    """

    def __init__(self, account: Account, path: Path, size: int, bucket: str, key: str, stop: Stop) -> None:
        self._account, self._client = account, account.client("s3")
        self._path, self._size, self._part = path, size, part_size(size)
        self._object = {"Bucket": bucket, "Key": key}
        self._stop, self._lock = stop, Lock()
        self._there, self._sending = 0, set[_Body]()

    def send(self, on_found: OnSent, on_sent: OnSent, *, new: bool) -> None:
        """Send what is missing, and make the object of it.

        Args:
            on_found: Told once where some of it is there.
            on_sent: Told from time to time.
            new: Whether the object must not exist yet.

        Raises:
            Stopped: `stop` was set; what was sent stays for seven days.
            PartsGone: The upload is gone.
            SourceError: The file cannot be read.
            DestinationError: What is there cannot be listed, or no upload begun or ended.
            botocore's own: S3 refused, with ``PreconditionFailed`` where the object exists.
        """
        if self._size <= self._part:
            with _new_only(self._client, "PutObject", enabled=new), self._counted("PutObject"):
                self._followed([self._put_whole], on_sent)
            return
        found = self._find()
        upload, listed = found or (self._begin(), {})
        if listed:
            on_found(sum(one["Size"] for one in listed.values()))
        try:
            self._send_parts(upload, listed, on_sent, new=new)
        except Exception as error:
            if found is None or _code(error) != "InvalidRequest":
                raise
            # Another program began it, with other checksums or none: S3 completes no mix of them.
            self._account.ask("s3", "AbortMultipartUpload", **self._object, UploadId=upload)
            self._there = 0
            self._send_parts(self._begin(), {}, on_sent, new=new)

    def _send_parts(self, upload: str, listed: dict[int, dict[str, Any]], on_sent: OnSent, *, new: bool) -> None:
        numbers = range(1, -(-self._size // self._part) + 1)
        with self._counted("UploadPart"):
            sent = self._followed([partial(self._put_part, upload, n, listed.get(n)) for n in numbers], on_sent)
        parts = {"Parts": [{"PartNumber": n} | one for n, one in zip(numbers, sent, strict=True)]}
        with _new_only(self._client, "CompleteMultipartUpload", enabled=new), self._errors():
            try:
                self._client.complete_multipart_upload(**self._object, UploadId=upload, MultipartUpload=parts)
            except Exception as error:
                if _code(error) == "PreconditionFailed":
                    self._client.abort_multipart_upload(**self._object, UploadId=upload)
                raise

    def _find(self) -> tuple[str, dict[int, dict[str, Any]]] | None:
        """Return the id of the latest upload that was begun, and its parts; ``None``: there is none to go on with."""
        from botocore.exceptions import BotoCoreError, ClientError

        key = self._object["Key"]
        found = []
        try:
            answer = self._account.ask(
                "s3", "ListMultipartUploads", Bucket=self._object["Bucket"], Prefix=key, MaxUploads=1000
            )
            ours = (None, "SHA256")  # None: not every server says it
            uploads = [one for one in answer.get("Uploads", ()) if one["Key"] == key]
            found = [one for one in uploads if one.get("ChecksumAlgorithm") in ours]
        except DestinationError as error:
            if error.code != "aws-denied":
                raise
        if not found:
            return None
        upload = str(max(found, key=lambda one: one["Initiated"])["UploadId"])
        try:
            with self._errors():
                pages = self._client.get_paginator("list_parts").paginate(**self._object, UploadId=upload)
                return upload, {one["PartNumber"]: one for page in pages for one in page.get("Parts", ())}
        except (BotoCoreError, ClientError) as error:
            raise refusal(error, "s3:ListMultipartUploadParts") from error

    def _begin(self) -> str:
        """Begin an upload; return its id."""
        begun = self._account.ask("s3", "CreateMultipartUpload", **self._object, ChecksumAlgorithm="SHA256")
        return str(begun["UploadId"])

    def _put_whole(self) -> dict[str, str]:
        with self._body(0, self._size) as body:
            self._client.put_object(**self._object, Body=body)
        return {}

    def _put_part(self, upload: str, number: int, listed: dict[str, Any] | None) -> dict[str, str]:
        """Send a part unless it is there; return what completes the upload."""
        start = (number - 1) * self._part
        with self._body(start, min(self._size, start + self._part)) as body:
            data = body.getbuffer()
            digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
            if listed is not None and listed["Size"] == len(data) and _is_same(listed, data, digest):
                return {name: listed[name] for name in ("ETag", "ChecksumSHA256") if listed.get(name)}
            del data
            with self._errors():
                made = self._client.upload_part(
                    **self._object, UploadId=upload, PartNumber=number, Body=body, ChecksumSHA256=digest
                )
        return {"ETag": made["ETag"], "ChecksumSHA256": digest}

    def _followed(self, calls: Sequence[Callable[[], dict[str, str]]], on_sent: OnSent) -> list[dict[str, str]]:
        """Make calls side by side; return their results in order."""
        with ThreadPoolExecutor(max(1, min(AT_ONCE, HELD // self._part))) as pool:
            futures: list[Future[dict[str, str]]] = [pool.submit(call) for call in calls]
            try:
                left = set(futures)
                while left:
                    done, left = wait(left, EVERY, "FIRST_EXCEPTION")
                    for future in done:
                        future.result()
                    if self._stop.is_set():
                        raise Stopped
                    with self._lock:
                        on_sent(self._there + sum(body.sent for body in self._sending))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return [future.result() for future in futures]

    @contextmanager
    def _body(self, start: int, end: int) -> Iterator[_Body]:
        if self._stop.is_set():
            raise Stopped
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                data = file.read(end - start)
        except OSError as error:
            raise SourceError(
                "source-unreadable", f"{self._path}: {error.strerror}", "check its permissions"
            ) from error
        body = _Body(data, self._stop)
        with self._lock:
            self._sending.add(body)
        try:
            yield body
        finally:
            with self._lock:
                self._sending.discard(body)
        with self._lock:
            self._there += len(data)

    @contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        """Let bodies count what is read of them from when they are sent: to be signed, they are read once more."""

        def begin(request: Any, **_: object) -> None:
            if isinstance(request.body, _Body):
                request.body.begin()

        self._client.meta.events.register(f"before-send.s3.{operation}", begin)
        try:
            yield
        finally:
            self._client.meta.events.unregister(f"before-send.s3.{operation}", begin)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if _code(error) == "NoSuchUpload":
                raise PartsGone from error
            raise


class _Body(io.BytesIO):
    """Bytes of one request, which can be stopped."""

    __hash__ = object.__hash__

    def __init__(self, data: bytes, stop: Stop) -> None:
        super().__init__(data)
        self._stop, self._begun = stop, False

    def begin(self) -> None:
        """Be sent from now on."""
        self._begun = True

    @property
    def sent(self) -> int:
        """Bytes that were sent."""
        return self.tell() if self._begun else 0

    def read(self, size: int | None = -1) -> bytes:
        """See `io.BytesIO.read`.

        Raises:
            Stopped: Nothing more is to be sent.
        """
        if self._stop.is_set():
            raise Stopped
        return super().read(size)


def _is_same(listed: dict[str, Any], data: memoryview, digest: str) -> bool:
    """Return whether a part that is there has these bytes; where S3 kept no checksum, by its MD5 if it is one."""
    if listed.get("ChecksumSHA256"):
        return bool(listed["ChecksumSHA256"] == digest)
    return bool(str(listed.get("ETag", "")).strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest())


def _code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


@contextmanager
def _new_only(client: Any, operation: str, *, enabled: bool) -> Iterator[None]:
    """Let a write fail with ``PreconditionFailed`` where the object exists; older botocores have no such argument."""

    def condition(params: dict[str, Any], **_: object) -> None:
        params["headers"]["If-None-Match"] = "*"

    name = f"before-call.s3.{operation}"
    if enabled:
        client.meta.events.register(name, condition)
    try:
        yield
    finally:
        client.meta.events.unregister(name, condition)
