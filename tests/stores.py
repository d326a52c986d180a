"""Storages and source locations from the text that tests have at hand."""

from __future__ import annotations

from pathlib import Path

from streamify.model.location import Location
from streamify.storage import locate
from streamify.storage.base import Storage
from streamify.storage.locate import StoreLocations


def open_storage(text: str) -> Storage:
    """Return the storage at a path or URL."""
    return locate.open_storage(Location.parse(text))


def locations(uploads: str | Path, media: str | Path) -> StoreLocations:
    """Return where a worker finds uploads and media."""
    return StoreLocations(uploads=Location.parse(str(uploads)), media=Location.parse(str(media)))
