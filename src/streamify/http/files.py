"""Where a stream is: only its objects are found, never hidden ones, never a file outside its folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from streamify.dest.delivery import FOREVER, content_type, is_immutable
from streamify.dest.layout import MASTER
from streamify.http.threads import Threads
from streamify.storage.base import Storage

_LONGEST_KEY = 1024
"""Bytes: the limit of S3, Azure and Google for the key of an object."""


@dataclass(frozen=True)
class Served:
    """An object that can be sent."""

    content: Callable[[], BinaryIO] | bytes
    """Its bytes, or what opens it: that blocks, and so do the methods of what it returns."""
    size: int
    """Bytes."""
    etag: str
    """With its quotes."""
    content_type: str
    cache_control: str

    @classmethod
    def of(cls, data: bytes, content_type: str, cache_control: str) -> Served:
        """Return bytes in memory, with an ETag from their hash."""
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        return cls(data, len(data), etag, content_type, cache_control)


class Site(Protocol):
    """What is served: a finished stream, or one whose segments are made when they are asked for."""

    def find(self, parts: list[str], viewer: str = "") -> Coroutine[None, None, Served | None]:
        """Return the object at a path, given by its parts, none of which is empty or hidden. Never blocks.

        Args:
            parts: Of the path.
            viewer: Who asks, such as an address.
        """


class StreamFiles(Protocol):
    """Where a finished stream is. Its methods block."""

    def find(self, parts: list[str]) -> Served | None:
        """See `Site.find`."""

    def holds_stream(self) -> bool:
        """Return whether there is a finished stream."""


class StaticSite:
    """A `Site` of objects that exist."""

    def __init__(self, files: StreamFiles, threads: Threads) -> None:
        self._files, self._threads = files, threads

    async def find(self, parts: list[str], viewer: str = "") -> Served | None:  # noqa: ARG002
        """See `Site.find`."""
        return await self._threads.run(self._files.find, parts)


class FolderFiles:
    """A stream in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def __str__(self) -> str:
        return str(self._root)

    def find(self, parts: list[str]) -> Served | None:
        """See `Site.find`. Links are followed, but not out of the folder, nor to what is hidden."""
        try:
            real = self._root.joinpath(*parts).resolve(strict=True)
            inside = real.relative_to(self._root)
            facts = real.stat()
        except (OSError, ValueError, RuntimeError):  # does not exist, outside, or a loop of links
            return None
        if any(part.startswith(".") for part in inside.parts):  # a link into .streamify
            return None
        if not real.is_file():
            return None
        # A stranger's HTML in the folder is never served as such: it could act as our page.
        key = inside.as_posix()
        etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        return Served(partial(_open, real), facts.st_size, etag, content_type(key), _caching(key))

    def holds_stream(self) -> bool:
        """See `StreamFiles.holds_stream`."""
        return (self._root / MASTER).is_file()


class ObjectFiles:
    """A stream in an object store."""

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage, self._name = storage, name

    def __str__(self) -> str:
        return self._name

    def find(self, parts: list[str]) -> Served | None:
        """See `Site.find`."""
        key = "/".join(parts)
        try:
            length = len(key.encode())
        except UnicodeEncodeError:  # keys are UTF-8
            return None
        found = self._storage.stat(key) if length <= _LONGEST_KEY else None
        if found is None:
            return None
        etag = '"' + found.version.strip('"') + '"'
        return Served(partial(self._storage.open, key), found.size, etag, content_type(key), _caching(key))

    def holds_stream(self) -> bool:
        """See `StreamFiles.holds_stream`."""
        return self._storage.stat(MASTER) is not None


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _caching(key: str) -> str:
    return FOREVER if is_immutable(key) else "no-cache"
