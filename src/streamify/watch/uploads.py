"""UPLOADS as `watch` sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from streamify.model.location import Location


@dataclass(frozen=True)
class Seen:
    """One version of an upload."""

    key: str
    """Below UPLOADS, with forward slashes."""
    size: int
    """Bytes."""
    version: str
    """Changes with the upload and with its sidecar: size and time of change of each; in object storage the ETag too."""
    modified: float
    """When the upload or its sidecar was last changed, seconds since the epoch."""
    sidecar: bool = False
    """Whether it has settings of its own beside it."""

    @property
    def id(self) -> str:
        """Names this version of this upload in records."""
        text = f"{self.key}\0{self.version}".encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).hexdigest()[:32]


class Uploads(Protocol):
    """A folder or a prefix of an object store that uploads arrive in."""

    location: Location
    quiet: float
    """Seconds without a change after which an upload there counts as whole, unless the user says otherwise."""
    own_clock: bool
    """Whether times of change come from the clock of this machine."""

    def below(self, key: str = "") -> Iterator[Seen]:
        """Yield the uploads at a key or below it, in no particular order; for a sidecar the upload that it belongs to.

        Raises:
            DestinationError: UPLOADS cannot be read, at the moment or at all.
        """

    def read(self, key: str, limit: int) -> bytes:
        """Return the first `limit` bytes of an object.

        Raises:
            SourceError: ``source-missing``, it is gone.
            DestinationError: It cannot be read.
        """

    def is_being_written(self, key: str) -> bool:
        """Return whether somebody is known to write an upload at this moment."""

    def orphans(self) -> set[str]:
        """Return the sidecars that the last look at everything found without their upload."""
