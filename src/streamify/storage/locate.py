"""The one place where a location becomes a storage."""

from __future__ import annotations

from pathlib import Path

from streamify.model.base import Frozen
from streamify.storage.base import Stores
from streamify.storage.local import LocalStorage


class StoreLocations(Frozen):
    """Where the stores of a job are; what a worker process is told at its start."""

    uploads: str
    """Absolute path of the folder that holds the source."""
    media: str
    """Absolute path of DEST."""

    def open(self) -> Stores:
        """Return the stores."""
        return Stores(LocalStorage(Path(self.uploads)), LocalStorage(Path(self.media)))
