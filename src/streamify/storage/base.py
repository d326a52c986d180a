"""The few words that the rest of Streamify says to a storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from streamify.errors import DestinationError


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

    def names(self) -> set[str]:
        """Return the first part of every key: what lies at the root."""

    def free_bytes(self) -> int | None:
        """Return how much more fits, bytes; ``None``: there is no limit that can be seen."""

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


def sha256(data: bytes | memoryview) -> str:
    """Return the SHA-256 of `data`, hex."""
    return hashlib.sha256(data).hexdigest()
