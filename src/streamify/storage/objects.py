"""Object stores as a storage: S3, Google Cloud Storage, Azure Blob Storage, memory; all through obstore."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from streamify.errors import DestinationError, SourceError, StreamifyError
from streamify.model.serving import cache_control, content_type
from streamify.storage.base import ConflictError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore.store import ObjectStore

READ_AHEAD = 256 * 1024
"""Bytes that one request of a file object asks for at least."""

_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_STATUS = re.compile(r"status code: (\d{3})")

_ABSENT = (NotFoundError, FileNotFoundError)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")


class _KnownError(NamedTuple):
    """An answer that we can explain."""

    code: str
    hint: str
    marks: tuple[str, ...]
    """What such an answer holds, any of them."""


_KNOWN = (
    _KnownError("storage-no-bucket", "create the bucket, or check its name, account and region", _NO_BUCKET),
    _KnownError(
        "storage-credentials",
        "the credentials have expired: get new ones and run the same command again",
        ("ExpiredToken", "TokenRefreshRequired", "RequestExpired"),
    ),
    _KnownError(
        "storage-credentials",
        "check the credentials in the environment, see docs/guides/object-storage.md",
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed", "InvalidToken", "InvalidClientTokenId",
         "InvalidAuthenticationInfo", "instance metadata", "169.254.169.254", "metadata.google"),
    ),
    _KnownError(
        "storage-region",
        "set AWS_REGION to the region of the bucket",
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint", "Redirect", "redirect"),
    ),
    _KnownError(
        "storage-unreachable",
        "check the endpoint, the network and the proxy",
        ("error trying to connect", "dns error", "tcp connect error", "Connection refused", "error sending request"),
    ),
)  # fmt: skip


class _Ranges(io.RawIOBase):
    """A seekable file object over range requests."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size, self._at = read, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        data = self._read(self._at, end)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


class ObjectStorage:
    """`Storage` over an obstore store.

    Args:
        store: Rooted at the prefix that keys are below.
        name: Of the place, for messages.
    """

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store = store
        self._name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def get(self, key: str) -> bytes | None:
        """See `Storage.get`."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (BaseError, OSError) as error:
            self._nothing("read", key, error)
            return None

    def put(self, key: str, data: bytes) -> None:
        """See `Storage.put`."""
        try:
            obstore.put(self._store, key, data, use_multipart=False, attributes=_attributes(key))
        except (BaseError, OSError) as error:
            raise self._failed("write", key, error) from error

    def put_new(self, key: str, data: bytes) -> bool:
        """See `Storage.put_new`."""
        try:
            obstore.put(self._store, key, data, mode="create", use_multipart=False, attributes=_attributes(key))
        except (AlreadyExistsError, FileExistsError, PreconditionError):
            # A response lost on the way makes the retry report AlreadyExists for our own write: read back.
            if self.get(key) == data:
                return False
            raise ConflictError(
                "dest-conflict",
                f"{self._name}/{key} exists with other bytes",
                "something else writes here, or the file was damaged: delete it, or use another DEST",
            ) from None
        except (BaseError, OSError) as error:
            raise self._failed("write", key, error) from error
        return True

    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        """Overwrite `old` by `new` unless somebody else was faster. Return whether `new` is there now."""
        try:
            found = obstore.get(self._store, key)
            if bytes(found.bytes()) != old:
                return False
            tag = found.meta["e_tag"] or ""
            obstore.put(self._store, key, new, mode={"e_tag": tag}, use_multipart=False, attributes=_attributes(key))
        except (PreconditionError, AlreadyExistsError):
            return self.get(key) == new  # a lost response makes the retry fail on our own write
        except (BaseError, OSError) as error:
            self._nothing("write", key, error)
            return False
        return True

    def size(self, key: str) -> int | None:
        """See `Storage.size`."""
        try:
            return obstore.head(self._store, key)["size"]
        except (BaseError, OSError) as error:
            self._nothing("read", key, error)
            return None

    def version(self, key: str) -> str | None:
        """See `Storage.version`: the version id where the bucket keeps versions, else the ETag."""
        try:
            facts = obstore.head(self._store, key)
        except (BaseError, OSError) as error:
            self._nothing("read", key, error)
            return None
        return str(facts["version"] or facts["e_tag"] or facts["last_modified"])

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """See `Storage.list`."""
        try:
            for batch in obstore.list(self._store, prefix or None):
                for meta in batch:
                    yield meta["path"], meta["size"]
        except (BaseError, OSError) as error:
            self._nothing("list", prefix, error)

    def names(self) -> set[str]:
        """See `Storage.names`."""
        try:
            found = obstore.list_with_delimiter(self._store)
        except (BaseError, OSError) as error:
            self._nothing("list", "", error)
            return set()
        paths = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        return {path.rstrip("/").split("/")[-1] for path in paths}

    def free_bytes(self) -> int | None:
        """See `Storage.free_bytes`."""
        return None

    def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        try:
            obstore.delete(self._store, key)
        except (BaseError, OSError) as error:
            self._nothing("delete", key, error)

    def open(self, key: str) -> BinaryIO:
        """See `Storage.open`. Every read asks for the same version; reading raises SourceError once it is replaced."""
        try:
            facts = obstore.head(self._store, key)
        except (BaseError, OSError) as error:
            raise self._failed("open", key, error) from error
        pinned = facts["e_tag"]

        def read(start: int, end: int) -> bytes:
            options = {"range": (start, end)} | ({"if_match": pinned} if pinned else {})
            try:
                return bytes(obstore.get(self._store, key, options=options).bytes())  # type: ignore[arg-type]
            except PreconditionError as error:
                raise SourceError(
                    "source-changed",
                    f"{key} was overwritten while it was read",
                    "leave the source alone while it is transcoded, and run the command again",
                ) from error
            except (BaseError, OSError) as error:
                raise self._failed("read", key, error) from error

        return io.BufferedReader(_Ranges(read, facts["size"]), READ_AHEAD)

    def sweep(self) -> None:
        """See `Storage.sweep`: object stores leave nothing that can be listed."""

    def _nothing(self, verb: str, key: str, error: Exception) -> None:
        """Return where there is just no such object.

        Raises:
            DestinationError: The error says something else.
        """
        if not isinstance(error, _ABSENT) or any(mark in str(error) for mark in _NO_BUCKET):
            raise self._failed(verb, key, error) from error

    def _failed(self, verb: str, key: str, error: Exception) -> StreamifyError:
        text = " ".join(str(error).split("\n\nDebug source:")[0].split())
        found = _CODE.search(text)
        status = _STATUS.search(text)
        said = found[1] if found else f"HTTP {status[1]}" if status else text[:300]
        where = f"cannot {verb} {self._name}/{key}" if key else f"cannot {verb} {self._name}"
        if isinstance(error, InvalidPathError):
            return DestinationError("storage-key", f"{where}: {text[:300]}", "use another name")
        for known in _KNOWN:
            if any(mark in text for mark in known.marks):
                return DestinationError(known.code, f"{where}: {said}", known.hint)
        if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or said in ("HTTP 401", "HTTP 403"):
            return DestinationError(
                "storage-denied", f"{where}: {said}", "grant these credentials the right to read, write and list there"
            )
        return DestinationError("storage-failed", f"{where}: {said}", "run the same command again")


def _attributes(key: str) -> dict[str, str]:
    return {"Content-Type": content_type(key), "Cache-Control": cache_control(key)}
