"""A folder of this machine as a storage: names taken literally, writes durable before they count."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from streamify.errors import DestinationError
from streamify.machine.host import process_lives
from streamify.storage.base import ConflictError, Listed, Stat, Written, source_changed

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""No object has that name; folders are no objects."""

_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]

LEFT_BEHIND = 3600
"""Seconds after which a temporary file belongs to nobody: no single write takes that long."""


def file_version(size: int, mtime_ns: int) -> str:
    """Return the version of a file from its size, bytes, and its time of modification, nanoseconds."""
    return f"{size}-{mtime_ns}"


def _no_wait(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes into does not hold the caller."""
    return os.open(path, flags | os.O_NONBLOCK)


class LocalStorage:
    """`Storage` over a folder.

    Not obstore's LocalStore: that one does not flush what it wrote, so that after a power cut the ledger could name
    files that do not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"LocalStorage({str(self.root)!r})"

    def get(self, key: str) -> bytes | None:
        """See `Storage.get`."""
        try:
            with open(self.root / key, "rb", opener=_no_wait) as file:
                return file.read() if S_ISREG(os.fstat(file.fileno()).st_mode) else None
        except _ABSENT:
            return None
        except OSError as error:
            raise self._failed("read", key, error) from error

    def get_many(self, keys: Iterable[str]) -> Iterator[bytes | None]:
        """See `Storage.get_many`: one after another, for a file is here sooner than a thread is."""
        return map(self.get, keys)

    def put(self, key: str, data: bytes) -> None:
        """See `Storage.put`."""
        try:
            temporary = self._write(key, data)
            try:
                temporary.replace(self.root / key)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _flush((self.root / key).parent)
        except OSError as error:
            raise self._failed("write", key, error) from error

    def append(self, key: str, data: bytes) -> None:
        """Add to the end of a file that one process writes: what is cut off by a crash is its last line."""
        try:
            _make_folder((self.root / key).parent)
            with (self.root / key).open("ab") as file:
                file.write(data)
        except OSError as error:
            raise self._failed("write", key, error) from error

    def put_new(self, key: str, data: bytes) -> Written:
        """See `Storage.put_new`."""
        try:
            temporary = self._write(key, data)
            try:
                (self.root / key).hardlink_to(temporary)  # fails where the name exists, unlike rename
            except FileExistsError:
                if self.get(key) == data:
                    return Written(new=False)
                raise ConflictError(
                    "dest-conflict",
                    f"{self.root / key} exists with other bytes",
                    "something else writes here, or the file was damaged: delete it, or use another DEST",
                ) from None
            finally:
                temporary.unlink(missing_ok=True)
            _flush((self.root / key).parent)
        except OSError as error:
            raise self._failed("write", key, error) from error
        return Written(new=True)

    def put_new_many(self, files: Iterable[tuple[str, bytes]]) -> None:
        """See `Storage.put_new_many`: one after another."""
        for key, data in files:
            self.put_new(key, data)

    def stat(self, key: str) -> Stat | None:
        """See `Storage.stat`."""
        try:
            facts = (self.root / key).stat()
        except _ABSENT:
            return None
        except OSError as error:
            raise self._failed("read", key, error) from error
        if not S_ISREG(facts.st_mode):
            return None
        return Stat(facts.st_size, file_version(facts.st_size, facts.st_mtime_ns), facts.st_mtime)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See `Storage.list`."""

        def unreadable(error: OSError) -> None:  # os.walk leaves such folders out in silence
            if not isinstance(error, _ABSENT):
                raise self._failed("list", prefix, error) from error

        for folder, _, names in os.walk(self.root / prefix, onerror=unreadable):
            for name in names:
                path = Path(folder, name)
                if not name.startswith(".tmp-"):
                    with contextlib.suppress(FileNotFoundError):  # removed while we walk
                        yield self._listed(path)

    def abandoned(self) -> Iterator[Listed]:
        """Yield the temporary files that `sweep` would remove."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(OSError):  # its writer was faster
                    if name.startswith(".tmp-") and _is_abandoned(path):
                        yield self._listed(path)

    def _listed(self, path: Path) -> Listed:
        facts = path.stat()
        return Listed(path.relative_to(self.root).as_posix(), facts.st_size, modified=facts.st_mtime)

    def names(self) -> set[str]:
        """See `Storage.names`."""
        try:
            return {path.name for path in self.root.iterdir()}
        except _ABSENT:
            return set()
        except OSError as error:
            raise self._failed("list", "", error) from error

    def top(self) -> tuple[set[str], set[str]]:
        """See `Storage.top`; links are left out."""
        try:
            with os.scandir(self.root) as entries:
                plain = [entry for entry in entries if not entry.is_symlink()]
                kinds = [(entry.name, entry.is_dir()) for entry in plain]
        except _ABSENT:
            return set(), set()
        except OSError as error:
            raise self._failed("list", "", error) from error
        return {name for name, folder in kinds if folder}, {name for name, folder in kinds if not folder}

    def beginning(self, start: str) -> set[str]:
        """See `Storage.beginning`."""
        try:
            with os.scandir(self.root) as entries:
                return {
                    entry.name
                    for entry in entries
                    if entry.name.startswith(start) and (entry.is_file() or entry.is_symlink())
                }
        except _ABSENT:
            return set()
        except PermissionError as error:
            raise DestinationError(
                "storage-denied", f"cannot list {self.root}: {error.strerror}", "grant the right to read this folder"
            ) from error
        except OSError as error:
            raise self._failed("list", "", error) from error

    def free_bytes(self) -> int | None:
        """See `Storage.free_bytes`."""
        return shutil.disk_usage(next(one for one in (self.root, *self.root.parents) if one.exists())).free

    def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        try:
            (self.root / key).unlink()
        except _ABSENT:
            return
        except OSError as error:
            raise self._failed("delete", key, error) from error

    def delete_folder(self, prefix: str) -> None:
        """See `Storage.delete_folder`."""
        with contextlib.suppress(OSError):  # it holds files of somebody else, or was removed
            (self.root / prefix).rmdir()

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        """See `Storage.open`."""
        try:
            file = open(self.root / key, "rb", opener=_no_wait)  # noqa: SIM115 - the caller closes it
        except OSError as error:
            if version is not None and isinstance(error, _ABSENT):
                raise source_changed(key, "is gone since it was planned") from error
            raise self._failed("open", key, error) from error
        facts = os.fstat(file.fileno())
        if version is not None and version != file_version(facts.st_size, facts.st_mtime_ns):
            file.close()
            raise source_changed(key, "was overwritten since it was planned")
        return file

    def sweep(self) -> None:
        """See `Storage.sweep`."""
        for entry in self.abandoned():
            with contextlib.suppress(OSError):  # somebody else was faster, or it is not ours to remove
                (self.root / entry.key).unlink()

    def _write(self, key: str, data: bytes) -> Path:
        path = self.root / key
        _make_folder(path.parent)
        temporary = path.parent / f".tmp-{_HOST}-{os.getpid()}-{uuid.uuid4().hex}"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:  # Ctrl-C leaves nothing behind either
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _failed(self, verb: str, key: str, error: OSError) -> DestinationError:
        where = self.root / key
        if error.errno in (28, 122):  # ENOSPC, EDQUOT
            return DestinationError(
                "disk-full", f"cannot {verb} {where}: {error.strerror}", "free space and run the same command again"
            )
        return DestinationError(
            "storage-failed",
            f"cannot {verb} {where}: {error.strerror or error}",
            "check the path and its permissions",
            transient=True,
        )


def _is_abandoned(path: Path) -> bool:
    """Return whether the writer of a temporary file is dead, or, where that cannot be seen from here, long gone."""
    host, _, rest = path.name.removeprefix(".tmp-").partition("-")
    writer = rest.partition("-")[0]
    here = host == _HOST and writer.isdigit()
    return (here and not process_lives(int(writer))) or time.time() - path.stat().st_mtime > LEFT_BEHIND


def _make_folder(folder: Path) -> None:
    """Make `folder` and its parents, and flush the names of the new ones, or a power cut takes all that is in them."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _flush(folder.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
