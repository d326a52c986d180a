"""UPLOADS in an object store: looked at by listing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from streamify.errors import DestinationError, SourceError
from streamify.model.location import Location
from streamify.storage.base import Listed, Storage
from streamify.watch.names import WordsOf, is_upload, is_words, owner_of, sidecar_of
from streamify.watch.uploads import Seen


class ObjectUploads:
    """See `Uploads`. An object appears whole, so that there is nothing to wait for but its sidecar.

    Args:
        location: Of the prefix.
        storage: Rooted there.
    """

    quiet = 0.0
    own_clock = False

    def __init__(self, location: Location, storage: Storage) -> None:
        self.location = location
        self._storage = storage
        self._seen: dict[str, Seen] = {}
        self._orphans: set[str] = set()

    def below(self, key: str = "") -> Iterator[Seen]:
        """See `Uploads.below`; of a single upload it says what the last listing showed."""
        if key:
            yield from filter(None, [self._seen.get(key)])
            return
        try:
            found = {entry.key: entry for entry in self._storage.list()}
        except DestinationError as error:
            error.transient = True
            raise
        self._orphans = {name for name in found if (owner := owner_of(name)) is not None and owner not in found}
        folders = {name.rpartition("/")[0] for name in found}
        names: dict[str, list[str]] = {}
        for name in filter(is_words, found):
            folder, _, last = name.rpartition("/")
            names.setdefault(folder, []).append(last)
        words = {folder: WordsOf(listed) for folder, listed in names.items()}
        self._seen = {
            name: _seen(entry, found.get(sidecar_of(name)), _beside(name, words, found))
            for name, entry in found.items()
            if is_upload(name) and (entry.size or name not in folders)  # consoles show a folder by an empty object
        }
        yield from self._seen.values()

    def read(self, key: str, limit: int) -> bytes:
        """See `Uploads.read`."""
        data = self._storage.get(key)
        if data is None:
            raise SourceError(
                "source-missing", f"{self.location.child(key)}: there is no such object", "upload it again"
            )
        return data[:limit]

    def is_being_written(self, key: str) -> bool:  # noqa: ARG002 - see `Uploads`
        """See `Uploads.is_being_written`."""
        return False

    def orphans(self) -> set[str]:
        """See `Uploads.orphans`."""
        return self._orphans


def _beside(name: str, words: Mapping[str, WordsOf], found: Mapping[str, Listed]) -> list[Listed]:
    """Return the subtitles of an upload."""
    folder = name.rpartition("/")[0]
    where = f"{folder}/" if folder else ""
    return [found[where + one] for one in words[folder](name)] if folder in words else []


def _seen(entry: Listed, sidecar: Listed | None, words: Sequence[Listed]) -> Seen:
    both = [entry, *([] if sidecar is None else [sidecar]), *words]
    version = "+".join(f"{one.size}-{one.tag}-{one.modified}" for one in both)
    return Seen(entry.key, entry.size, version, max(one.modified or 0.0 for one in both), sidecar is not None)
