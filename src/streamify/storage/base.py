"""The few words that the rest of Streamify says to a storage, over any obstore store."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError

from streamify.errors import DestinationError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore import ReadableFile
    from obstore.store import ObjectStore


class ConflictError(DestinationError):
    """An object with other bytes already has the name that ours was to get."""


class Storage(Protocol):
    """Objects under keys with forward slashes. Every write is atomic: a reader sees all of it or nothing."""

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes, or ``None`` where there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Write or overwrite."""

    def put_new(self, key: str, data: bytes) -> bool:
        """Write unless the key exists. Return whether this call wrote it.

        Raises:
            ConflictError: The key exists with other bytes.
        """

    def size(self, key: str) -> int | None:
        """Return the object's size in bytes, or ``None`` where there is none."""

    def version(self, key: str) -> str | None:
        """Return what changes when the object is overwritten, found without reading it; ``None``: there is none."""

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield key and size of every object below `prefix` (a folder), in no particular order."""

    def delete(self, key: str) -> None:
        """Remove the object; a key without one is no error."""

    def open(self, key: str) -> BinaryIO:
        """Return a seekable file object that reads by ranges."""

    def sweep(self) -> None:
        """Remove what writes that were cut off long ago left behind."""


@dataclass(frozen=True)
class Stores:
    """What `run_task` works on."""

    uploads: Storage
    """Where the source is; never written."""
    media: Storage
    """Rooted at DEST."""


class _Ranges(io.RawIOBase):
    """obstore's reader as a file object: its own has no ``with``, no `readinto`, and gives no `bytes`."""

    def __init__(self, reader: ReadableFile) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._reader.read(len(view))
        view[: len(data)] = memoryview(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


class ObjectStorage:
    """`Storage` over an obstore store: memory, local, S3, GCS, Azure."""

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store = store
        self._name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def get(self, key: str) -> bytes | None:
        """See `Storage.get`."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._failed("read", key, error) from error

    def put(self, key: str, data: bytes) -> None:
        """See `Storage.put`."""
        try:
            obstore.put(self._store, key, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise self._failed("write", key, error) from error

    def put_new(self, key: str, data: bytes) -> bool:
        """See `Storage.put_new`."""
        try:
            obstore.put(self._store, key, data, mode="create", use_multipart=False)
        except (AlreadyExistsError, FileExistsError):
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

    def size(self, key: str) -> int | None:
        """See `Storage.size`."""
        try:
            return obstore.head(self._store, key)["size"]
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._failed("read", key, error) from error

    def version(self, key: str) -> str | None:
        """See `Storage.version`."""
        try:
            facts = obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._failed("read", key, error) from error
        return str(facts["version"] or facts["e_tag"] or facts["last_modified"])

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """See `Storage.list`."""
        try:
            for batch in obstore.list(self._store, prefix or None):
                for meta in batch:
                    yield meta["path"], meta["size"]
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise self._failed("list", prefix, error) from error

    def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise self._failed("delete", key, error) from error

    def open(self, key: str) -> BinaryIO:
        """See `Storage.open`."""
        try:
            return io.BufferedReader(_Ranges(obstore.open_reader(self._store, key, buffer_size=256 * 1024)))
        except (BaseError, OSError) as error:
            raise self._failed("open", key, error) from error

    def sweep(self) -> None:
        """See `Storage.sweep`: object stores leave nothing that can be listed."""

    def _failed(self, verb: str, key: str, error: Exception) -> DestinationError:
        text = " ".join(str(error).split())
        if "No space left" in text or "os error 28" in text:
            return DestinationError(
                "disk-full", f"cannot {verb} {self._name}/{key}: the disk is full", "free space and run it again"
            )
        return DestinationError("storage-failed", f"cannot {verb} {self._name}/{key}: {text[:300]}", "")


def sha256(data: bytes | memoryview) -> str:
    """Return the SHA-256 of `data`, hex."""
    return hashlib.sha256(data).hexdigest()
