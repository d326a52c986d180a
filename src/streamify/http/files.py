"""What a request target means: only objects of the stream, never hidden ones, never a file outside its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from streamify.dest.delivery import FOREVER, content_type, is_immutable
from streamify.dest.layout import MASTER
from streamify.storage.base import Storage

PAGE = Path(__file__).parent / "page"
_PAGE_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css",
               ".svg": "image/svg+xml"}  # fmt: skip


@dataclass(frozen=True)
class Served:
    """What a target names."""

    open: Callable[[], BinaryIO]
    size: int
    """Bytes."""
    etag: str
    """With its quotes."""
    content_type: str
    cache_control: str


class Site(Protocol):
    """Where a stream lies."""

    def find(self, parts: list[str]) -> Served | None:
        """Return the object at a path, given by its parts, none of which is empty or hidden."""

    def holds_stream(self) -> bool:
        """Return whether there is a finished stream."""


class FolderSite:
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
        except (OSError, ValueError, RuntimeError):  # does not exist, outside, or a loop of links
            return None
        if any(part.startswith(".") for part in inside.parts):  # a link into .streamify
            return None
        # A stranger's HTML in the folder is never served as such: it could act as our page.
        return _file(real, content_type(inside.as_posix()), _caching(inside.as_posix()))

    def holds_stream(self) -> bool:
        """See `Site.holds_stream`."""
        return (self._root / MASTER).is_file()


class ObjectSite:
    """A stream in an object store."""

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage, self._name = storage, name

    def __str__(self) -> str:
        return self._name

    def find(self, parts: list[str]) -> Served | None:
        """See `Site.find`."""
        key = "/".join(parts)
        found = self._storage.stat(key)
        if found is None:
            return None
        etag = '"' + found.version.strip('"') + '"'
        return Served(partial(self._storage.open, key), found.size, etag, content_type(key), _caching(key))

    def holds_stream(self) -> bool:
        """See `Site.holds_stream`."""
        return self._storage.stat(MASTER) is not None


def find(site: Site, target: str) -> Served | None:
    """Return what a request target, as it came, means; ``None`` for 404."""
    path = unquote(urlsplit(target).path, errors="surrogateescape")
    if path == "/":
        return _page("index.html")
    first, *parts = path.split("/")
    if first or not parts or any(not part or part.startswith(".") or "\0" in part or "\\" in part for part in parts):
        return None
    if parts[0] == "_play":
        return _page(parts[1]) if len(parts) == 2 else None
    return site.find(parts)


def _page(name: str) -> Served | None:
    return _file(PAGE / name, _PAGE_TYPES.get(Path(name).suffix, "application/octet-stream"), "no-cache")


def _file(path: Path, kind: str, caching: str) -> Served | None:
    if not path.is_file():
        return None
    try:
        facts = path.stat()
    except OSError:
        return None
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    return Served(partial(_open, path), facts.st_size, etag, kind, caching)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _caching(key: str) -> str:
    return FOREVER if is_immutable(key) else "no-cache"
