"""The few words that the rest of Streamify says to a storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from streamify.errors import DestinationError, SourceError
from streamify.model.source import SourceRef


class ConflictError(DestinationError):
    """An object with other bytes already has the name that ours was to get."""


@dataclass(frozen=True)
class Stat:
    """What is known of an object without reading it."""

    size: int
    """Bytes."""
    version: str
    """Changes when the object is overwritten."""
    modified: float
    """When it was last written, seconds since the epoch."""


class Listed(NamedTuple):
    """An object as a listing shows it."""

    key: str
    size: int
    """Bytes."""
    tag: str | None = None
    """The store's own mark of these bytes, such as an ETag: the same tag, the same bytes; another tag says nothing.
    ``None``: the store has none."""
    modified: float | None = None
    """When it was last written, seconds since the epoch."""


@dataclass(frozen=True)
class Written:
    """What came of `Storage.put_new`."""

    new: bool
    """Whether this call wrote it; else it was there with the same bytes."""
    tag: str | None = None
    """Of what is there now, as in `Listed`."""


class Storage(Protocol):
    """Objects under keys with forward slashes. Every write is atomic: a reader sees all of it or nothing."""

    def get(self, key: str) -> bytes | None:
        """Return the object's bytes, or ``None`` where there is none."""

    def get_many(self, keys: Iterable[str]) -> Iterator[bytes | None]:
        """Yield what `get` returns for each key, in their order; for small objects, of which a few may be held."""

    def put(self, key: str, data: bytes) -> None:
        """Write or overwrite."""

    def put_new(self, key: str, data: bytes) -> Written:
        """Write unless the key exists.

        Raises:
            ConflictError: The key exists with other bytes.
        """

    def put_new_many(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Do for each key and its bytes what `put_new` does; for small objects, of which a few may be held.

        Raises:
            ConflictError: A key exists with other bytes; some of those behind it may be written, too.
        """

    def stat(self, key: str) -> Stat | None:
        """Return what is known of an object without reading it, or ``None`` where there is none."""

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """Yield every object below `prefix` (a folder), in no particular order."""

    def names(self) -> set[str]:
        """Return the first part of every key: what lies at the root."""

    def top(self) -> tuple[set[str], set[str]]:
        """Return the first parts of keys: of those with several parts, folders, and of those with one, objects."""

    def beginning(self, start: str) -> set[str]:
        """Return the names at the root of objects that begin so; a listing of all names is not needed for it.

        In a folder also those of links that lead nowhere.
        """

    def free_bytes(self) -> int | None:
        """Return how much more fits, bytes; ``None``: there is no limit that can be seen."""

    def delete(self, key: str) -> None:
        """Remove the object; a key without one is no error."""

    def delete_folder(self, prefix: str) -> None:
        """Remove a folder that is empty; one that is not stays, and object stores have none."""

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        """Return a seekable file object that reads by ranges.

        Args:
            key: Of the object.
            version: That it must still have, as `stat` gave it.

        Raises:
            SourceError: It is gone or has another version.
            DestinationError: There is no such object, and no `version` was named.
        """

    def sweep(self) -> None:
        """Remove what writes that were cut off long ago left behind."""


def is_out_of_reach(error: BaseException | None) -> bool:
    """Return whether a store could not be used, after it was tried for as long as one waits for it."""
    return isinstance(error, DestinationError) and error.code.startswith("storage-")


def source_changed(key: str, how: str) -> SourceError:
    """Return the error for a source that does not stay what it was.

    Args:
        key: Of the source.
        how: And since when, such as "is gone since it was planned".
    """
    hint = "leave the source alone while it is transcoded, and run the command again"
    return SourceError("source-changed", f"{key} {how}", hint)


@dataclass(frozen=True)
class Stores:
    """What `run_task` works on."""

    uploads: Storage
    """Where the source is; never written."""
    media: Storage
    """Rooted at DEST."""

    def open_source(self, ref: SourceRef) -> BinaryIO:
        """Return the source as a seekable file object.

        Raises:
            SourceError: It is no longer the one that was planned.
        """
        return self.uploads.open(ref.key, ref.version)


def sha256(data: bytes | memoryview) -> str:
    """Return the SHA-256 of `data`, hex."""
    return hashlib.sha256(data).hexdigest()
