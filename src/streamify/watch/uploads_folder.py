"""UPLOADS in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from streamify.errors import DestinationError, SourceError
from streamify.machine.writers import is_being_written
from streamify.model.location import Location
from streamify.storage.local import file_version
from streamify.watch.names import WordsOf, is_hidden, is_upload, is_words, owner_of, sidecar_of, words_of
from streamify.watch.uploads import Seen

_ABSENT = (FileNotFoundError, NotADirectoryError)


class FolderUploads:
    """See `Uploads`. Links are not followed: a link may lead out of UPLOADS.

    Args:
        location: Of the folder.
        shared: Other machines write there, with their own clocks.
    """

    def __init__(self, location: Location, *, shared: bool) -> None:
        self.location = location
        self.quiet, self.own_clock = (10.0, False) if shared else (2.0, True)
        self._root = location.path
        self._orphans: set[str] = set()

    def below(self, key: str = "") -> Iterator[Seen]:
        """See `Uploads.below`."""
        path = self._root / key
        if key and (any(map(is_hidden, key.split("/"))) or self._is_linked(path)):
            return
        if not key:
            self._orphans = set()
        if path.is_dir():
            yield from self._folder(path)
        elif not key:
            raise _unreadable(self.location, "there is no such folder")
        elif is_words(key):
            yield from self._films(key)
        else:
            owner = owner_of(key)
            found = self._one(owner if owner is not None else key)
            if found is not None:
                yield found

    def read(self, key: str, limit: int) -> bytes:
        """See `Uploads.read`."""
        try:
            with (self._root / key).open("rb") as file:
                return file.read(limit)
        except _ABSENT as error:
            raise SourceError(
                "source-missing", f"{self._root / key}: there is no such file", "copy it again"
            ) from error
        except OSError as error:
            raise _unreadable(self._root / key, error.strerror) from error

    def is_being_written(self, key: str) -> bool:
        """See `Uploads.is_being_written`."""
        return is_being_written(self._root / key) or is_being_written(self._root / sidecar_of(key))

    def orphans(self) -> set[str]:
        """See `Uploads.orphans`."""
        return self._orphans

    def _is_linked(self, path: Path) -> bool:
        """Return whether a link leads to a path below the root."""
        between = [folder for folder in path.parents if self._root in folder.parents]
        return any(one.is_symlink() for one in (path, *between))

    def _folder(self, folder: Path) -> Iterator[Seen]:
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            files: dict[str, os.stat_result] = {}
            try:
                with os.scandir(current) as entries:
                    for entry in entries:
                        if is_hidden(entry.name):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(Path(entry.path))
                        elif entry.is_file(follow_symlinks=False):
                            files[entry.name] = entry.stat(follow_symlinks=False)
            except _ABSENT as error:
                if current == self._root:
                    raise _unreadable(self.location, "there is no such folder") from error
                continue  # removed while we walk
            except OSError as error:
                raise _unreadable(current, error.strerror) from error
            where = "" if current == self._root else f"{current.relative_to(self._root).as_posix()}/"
            words = WordsOf(name for name in files if is_words(name))
            for name, facts in files.items():
                owner = owner_of(name)
                if owner is None:
                    if not is_words(name):
                        told = [files[one] for one in words(name)]
                        yield _seen(where + name, facts, files.get(sidecar_of(name)), told)
                elif owner not in files:
                    self._orphans.add(where + name)

    def _one(self, key: str) -> Seen | None:
        if not is_upload(key):
            return None
        facts, sidecar = (_stat(self._root / name) for name in (key, sidecar_of(key)))
        folder = (self._root / key).parent
        names = words_of(key, (name for name in _names(folder) if is_words(name) and not is_hidden(name)))
        words = [found for name in names if (found := _stat(folder / name)) is not None]
        return _seen(key, facts, sidecar, words) if facts is not None else None

    def _films(self, key: str) -> Iterator[Seen]:
        """Yield the uploads that subtitles lie beside."""
        where, _, words = key.rpartition("/")
        for name in _names(self._root / where):
            found = f"{where}/{name}" if where else name
            if is_upload(name) and words_of(name, [words]) and (seen := self._one(found)) is not None:
                yield seen


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:
        return []


def _seen(key: str, facts: os.stat_result, sidecar: os.stat_result | None, words: Sequence[os.stat_result]) -> Seen:
    files = [facts, *([] if sidecar is None else [sidecar]), *words]
    version = "+".join(file_version(one.st_size, one.st_mtime_ns) for one in files)
    return Seen(key, facts.st_size, version, max(one.st_mtime for one in files), sidecar is not None)


def _stat(path: Path) -> os.stat_result | None:
    """Return the facts of a plain file."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts if path.is_file() and not path.is_symlink() else None


def _unreadable(where: object, why: str | None) -> DestinationError:
    return DestinationError(
        "uploads-unreadable", f"UPLOADS {where}: {why}", "check that it is there and may be read", transient=True
    )
