"""Where a job reads and writes: SOURCE and DEST checked before anything is touched."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from streamify.dest.layout import STATE, TOP, TRACK_FOLDERS, streamify_track_of
from streamify.errors import DestinationError, SourceError, UsageError
from streamify.jobs.identity import job_identity
from streamify.jobs.report import read_report
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceRef
from streamify.storage.base import Storage
from streamify.storage.local import file_version
from streamify.storage.locate import reach_storage

EDGE = 1 << 20
"""Bytes of head and tail (where MP4 keeps its index) that go into a file's identity."""


def find_source(source: Location, like: SourceRef | None = None) -> tuple[Location, SourceRef]:
    """Return the folder or bucket of a source and which version of it lies there.

    Args:
        source: Of the file or object.
        like: A copy of this source counts as the same although its time of modification differs (files only).

    Raises:
        SourceError: There is no readable, non-empty file or object.
        DestinationError: The object store cannot be used.
    """
    if source.remote:
        return source.root, find_object(source, reach_storage(source.root))
    return source.parent, _find_file(source, like)


def find_object(source: Location, bucket: Storage) -> SourceRef:
    """Return which version of a source lies in a bucket.

    Raises:
        SourceError: There is no such object, or it is empty.
        DestinationError: The object store cannot be used.
    """
    found = bucket.stat(source.key) if source.key else None
    if found is None:
        _check_bucket(bucket)
        raise SourceError("source-missing", f"{source}: there is no such object", "check bucket, key and region")
    if not found.size:
        raise SourceError("source-empty", f"{source} is empty", "copy or upload it again")
    identity = hashlib.sha256(f"{found.version}\0{found.size}".encode()).hexdigest()[:32]
    return SourceRef(key=source.key, size=found.size, version=found.version, identity=identity)


def _check_bucket(bucket: Storage) -> None:
    """Raise where a bucket does not exist, or may not be listed."""
    try:
        bucket.names()
    except DestinationError as error:
        if error.code != "storage-key":  # other objects there have names that obstore does not take
            raise


def _find_file(source: Location, like: SourceRef | None) -> SourceRef:
    path = source.path
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
        hint = "it is a link to itself: name the file" if error.errno == errno.ELOOP else "check its permissions"
        raise SourceError("source-unreadable", f"{source}: {error.strerror}", hint) from error
    if not facts.st_size:
        raise SourceError("source-empty", f"{source} is empty", "copy or upload it again")
    version = file_version(facts.st_size, facts.st_mtime_ns)
    ref = SourceRef(key=source.name, size=facts.st_size, version=version, identity=_identity(version, head, tail))
    if like is not None and _identity(like.version, head, tail) == like.identity:
        ref = ref.model_copy(update={"identity": like.identity})
    return ref


def _identity(version: str, head: bytes, tail: bytes) -> str:
    return hashlib.sha256(version.encode() + head + tail).hexdigest()[:32]


def refuse_dest(dest: Location, source: Location | None = None) -> None:
    """Refuse a DEST that cannot be one, whatever is there.

    Raises:
        UsageError: ``dest-reserved``, it lies where streams in object stores keep their state.
        DestinationError: It is a file, or lies inside SOURCE.
    """
    if dest.remote and STATE in dest.key.split("/"):
        raise UsageError(
            "dest-reserved",
            f"DEST {dest} has '{STATE}' in its key, where plans and ledgers of other streams are",
            "name another prefix; of an upload, another key",
        )
    with _reaching(dest):
        if source is not None and source.holds(dest):
            other = "prefix" if dest.remote else "folder"
            raise DestinationError("dest-in-source", f"DEST {dest} is the source itself", f"name another {other}")
        if dest.remote:
            return
        path = dest.path
        if path.exists() and not path.is_dir():
            raise DestinationError("dest-is-file", f"DEST {dest} is a file", "name a folder, new or made by Streamify")
        parent = next((folder for folder in path.parents if folder.exists()), path)  # the root has none
        if not parent.is_dir():
            raise DestinationError("dest-is-file", f"DEST {dest}: {parent} is a file", "name a folder")


@contextmanager
def _reaching(dest: Location) -> Iterator[None]:
    """Turn what the system says about DEST into our error."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: resolve() met a loop of links
        reason = error.strerror if isinstance(error, OSError) else error
        raise DestinationError(
            "dest-not-writable", f"DEST {dest}: {reason}", "check its permissions, or name another folder"
        ) from error


def check_dest(dest: Location, *, replace: bool, storage: Storage | None = None) -> None:
    """Make sure that DEST is ours to write: new, empty, or made by Streamify. Touches nothing.

    A stream without its ``.streamify`` may be replaced, whether or not its report can be read: nothing tells what of
    it could be kept.

    Args:
        dest: A folder or a prefix.
        replace: A stream there may be replaced.
        storage: Opened at `dest`, where it is open already.

    Raises:
        DestinationError: It holds somebody else's files, or a stream without its ``.streamify`` that is not replaced,
            or it cannot be written.
    """
    with _reaching(dest):
        storage = storage or reach_storage(dest)
        names = storage.names()
        if names and STATE not in names:
            _check_stateless(dest, storage, names, replace=replace)
        if not dest.remote:
            _try_out(dest.path)


def _check_stateless(dest: Location, storage: Storage, names: set[str], *, replace: bool) -> None:
    """Refuse what lies at DEST, without a ``.streamify``, unless it is a stream of ours that may be replaced."""
    if not TOP.issuperset(names) or not _is_stream(storage):
        strangers = sorted(names - TOP) or sorted(names)
        raise DestinationError(
            "dest-occupied",
            f"DEST {dest} holds files that Streamify did not make: {', '.join(strangers[:3])}"
            + (" ..." if len(strangers) > 3 else ""),
            "name a new or empty folder; nothing was touched",
        )
    if replace:
        return
    read_report(storage)  # one of a newer release has an error of its own
    raise DestinationError(
        "dest-occupied",
        f"DEST {dest} holds a stream without its .streamify folder, so nothing of it can be resumed",
        "name another DEST, or pass --replace to make it anew",
    )


def _is_stream(storage: Storage) -> bool:
    """Return whether Streamify made what lies there: its report says so, or else the names of its tracks."""
    if read_report(storage, newer="ignore") is not None:
        return True
    return any(streamify_track_of(file.key) for folder in TRACK_FOLDERS for file in storage.list(folder))


def _try_out(path: Path) -> None:
    """Write and remove a file in a folder that may not exist yet; leave no trace."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    finally:
        for folder in missing:
            with suppress(OSError):  # never made, or another job already writes there
                folder.rmdir()


def cache_folder(environment: Mapping[str, str], source: SourceRef, settings: MediaSettings) -> Path:
    """Return where the stream of a source is kept that was given no DEST: in the user's cache, one for each job.

    Args:
        environment: Of the process: ``XDG_CACHE_HOME`` (XDG Base Directory Specification).
        source: Which version of a source.
        settings: That decide the bytes: streams with other settings do not disturb each other.
    """
    name = source.key.rsplit("/", 1)[-1][:80]
    return cache_root(environment) / f"{job_identity(source.identity, settings)[:16]}-{name}"


def cache_root(environment: Mapping[str, str]) -> Path:
    """Return the folder of all streams that `cache_folder` names."""
    home = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(environment.get("XDG_CACHE_HOME") or home) / "streamify"
