"""Where a job reads and writes: SOURCE and DEST checked before anything is touched."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streamify.errors import DestinationError, SourceError
from streamify.model.source import SourceRef
from streamify.storage.local import file_version
from streamify.storage.locate import StoreLocations

EDGE = 1 << 20
"""Bytes of head and tail (where MP4 keeps its index) that go into a file's identity."""


def find_source(source: str, like: SourceRef | None = None) -> tuple[str, SourceRef]:
    """Return the folder of a source and which version of it lies there.

    Args:
        source: Its path.
        like: A copy of this source counts as the same although its time of modification differs.

    Raises:
        SourceError: There is no readable, non-empty file.
    """
    path = _path(source)
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # to open a pipe would wait for its writer
            raise SourceError(
                "source-unreadable", f"{source} is a pipe, socket or device", "save what it gives to a file first"
            )
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            head = file.read(EDGE)
            file.seek(max(0, facts.st_size - EDGE))
            tail = file.read(EDGE)
    except FileNotFoundError:
        raise SourceError("source-missing", f"{source}: there is no such file", "check the path") from None
    except IsADirectoryError:
        raise SourceError("source-missing", f"{source} is a folder", "name a video file in it") from None
    except OSError as error:
        raise SourceError("source-unreadable", f"{source}: {error.strerror}", "check its permissions") from error
    if not facts.st_size:
        raise SourceError("source-empty", f"{source} is empty", "the upload did not arrive; upload it again")
    version = file_version(facts.st_size, facts.st_mtime_ns)
    absolute = path.absolute()
    ref = SourceRef(key=absolute.name, size=facts.st_size, version=version, identity=_identity(version, head, tail))
    if like is not None and _identity(like.version, head, tail) == like.identity:
        ref = ref.model_copy(update={"identity": like.identity})
    return str(absolute.parent), ref


def _identity(version: str, head: bytes, tail: bytes) -> str:
    return hashlib.sha256(version.encode() + head + tail).hexdigest()[:32]


def find_dest(dest: str, source: str | None = None) -> Path:
    """Return DEST as an absolute path.

    Raises:
        DestinationError: It is a file, or lies inside SOURCE.
    """
    with _reaching(dest):
        path = _path(dest).absolute()
        if source is not None:
            original = _path(source).absolute().resolve()
            if path.resolve() == original or original in path.resolve().parents:
                raise DestinationError("dest-in-source", f"DEST {dest} is the source itself", "name another folder")
        if path.exists() and not path.is_dir():
            raise DestinationError("dest-is-file", f"DEST {dest} is a file", "name a folder, new or made by Streamify")
        parent = next(one for one in path.parents if one.exists())
        if not parent.is_dir():
            raise DestinationError("dest-is-file", f"DEST {dest}: {parent} is a file", "name a folder")
    return path


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path("./~") forgets the "./" that makes it a plain name


@contextmanager
def _reaching(dest: str) -> Iterator[None]:
    """Turn what the system says about DEST into our error."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: resolve() met a loop of links
        reason = error.strerror if isinstance(error, OSError) else error
        raise DestinationError(
            "dest-not-writable", f"DEST {dest}: {reason}", "check its permissions, or name another folder"
        ) from error


def check_dest(path: Path, dest: str) -> None:
    """Make sure that DEST is ours to write: new, empty, or made by Streamify. Touches nothing.

    Raises:
        DestinationError: It holds somebody else's files, or cannot be written.
    """
    with _reaching(dest):
        ours = not path.exists() or (path / ".streamify").is_dir()
        strangers = [] if ours else sorted(one.name for one in path.iterdir())
    if strangers:
        raise DestinationError(
            "dest-occupied",
            f"DEST {dest} holds files that Streamify did not make: {', '.join(strangers[:3])}"
            + (" ..." if len(strangers) > 3 else ""),
            "name a new or empty folder; nothing was touched",
        )
    with _reaching(dest):
        _try_out(path)


def _try_out(path: Path) -> None:
    """Write and remove a file in a folder that may not exist yet; leave no trace."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    finally:
        for one in missing:
            with suppress(OSError):  # never made, or another job already writes there
                one.rmdir()


def locations(folder: str, dest: Path) -> StoreLocations:
    """Return where the stores of a job are."""
    return StoreLocations(uploads=folder, media=str(dest))
