"""A folder is held by a lock of the kernel on ``.streamify/lock``, whose text says who has it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from types import TracebackType

from streamify.dest.layout import LOCK
from streamify.dest.media import WATCH
from streamify.errors import DestinationError
from streamify.jobs.hold_base import busy, taken
from streamify.jobs.state_files import remove_whatever
from streamify.machine.host import process_lives, this_host
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.storage.saved import StateLocation, damaged, parse_saved

TRIES = 10
"""Attempts at a lock that somebody else has: `read_lock` takes it for a moment, to see whether it can be had."""
PATIENCE = 5.0
"""Seconds for which `read_lock` waits for a run to write its name; who cleans up has the lock for longer."""


class FolderHold:
    """Holds a folder while it is entered. See `streamify.jobs.hold.holding`."""

    def __init__(self, dest: Location, claim: Claim, *, replace: bool) -> None:
        self._dest, self._claim, self._replace = dest, claim, replace
        self._file = -1
        self._alone = True

    def __enter__(self) -> FolderHold:
        self._file = _open(self._dest, replace=self._replace)
        try:
            self._take()
        except OSError as error:  # such as ENOLCK of a network file system
            os.close(self._file)
            raise DestinationError(
                "dest-not-writable",
                f"DEST {self._dest} cannot be locked: {error.strerror}",
                "name a folder on a file system with flock(), such as a local disk",
            ) from error
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        os.close(self._file)

    @property
    def alone(self) -> bool:
        """See `Hold.alone`."""
        return self._alone

    def beat(self) -> None:
        """See `Hold.beat`: the kernel knows that we live."""
        self.check()

    def check(self) -> None:
        """See `Hold.check`: the lock ends with this process, unless its file was removed."""
        path = self._dest.path / LOCK
        try:
            same = os.path.samestat(path.lstat(), os.fstat(self._file))
        except OSError:
            same = False
        if not same:
            raise taken(self._dest, None)

    def _take(self) -> None:
        for attempt in range(TRIES):
            if attempt:
                time.sleep(0.05)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(self._file, fcntl.LOCK_SH)  # waits only while another run writes its name
                held = _holder(self._file, replace=self._replace)
                # A holder that is dead did not keep us out: the next try takes the lock.
                dead = _is_dead(held) and attempt < TRIES - 1
                if held is not None and held.job == self._claim.job and not dead:
                    self._alone = False
                    return
                fcntl.flock(self._file, fcntl.LOCK_UN)
            else:
                os.ftruncate(self._file, 0)
                os.pwrite(self._file, self._claim.to_json(), 0)
                fcntl.flock(self._file, fcntl.LOCK_SH)
                return
        raise busy(self._dest, _holder(self._file, replace=self._replace))


@contextmanager
def shut(dest: Location) -> Iterator[Claim | None]:
    """Keep all runs out of a folder and give the claim of the last one; a run that begins meanwhile waits.

    Raises:
        DestinationError: ``dest-busy``, a run is there.
    """
    try:
        file = os.open(dest.path / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield None  # no run has ever been there
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy(dest, _holder(file)) from None
        yield _holder(file)
    finally:
        os.close(file)


def read_lock(dest: Location) -> tuple[Claim | None, bool]:
    """Return the claim that stands in the lock of a folder, and whether its holder lives."""
    if not (dest.path / LOCK).exists():
        return None, False
    try:
        file = os.open(dest.path / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise damaged(f"{dest.path / LOCK}", str(error.strerror), at=_below(dest)) from error
    try:
        if not S_ISREG(os.fstat(file).st_mode):
            raise damaged(f"{dest.path / LOCK}", "it is no file", at=_below(dest))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_for_name(file)  # until it is written, that of the run before stands there
            held = _holder(file)
            return held, not _is_dead(held)
        return _holder(file), False
    finally:
        os.close(file)


def _wait_for_name(file: int) -> None:
    """Wait until whoever has a lock shares it, as a run does once its name is written; at most `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return


def _is_dead(held: Claim | None) -> bool:
    """Whether a holder is known not to live: then somebody else looks at the lock or cleans up."""
    return held is not None and held.host == this_host() and not process_lives(held.pid)


def _holder(file: int, *, replace: bool = False) -> Claim | None:
    """Return the claim in the text of the lock, or ``None``: it is another text, such as that of an older version.

    With `replace` a newer one is such a text, too.
    """
    data = os.pread(file, 1 << 20, 0)
    return parse_saved(Claim, data, LOCK, newer="ignore" if replace else "refuse") if data else None


def _below(dest: Location) -> StateLocation:
    """Return what the lock of a folder is below: a stream's, or the one of who turns uploads into streams."""
    return "MEDIA" if dest.path.name == WATCH else "DEST"


def _open(dest: Location, *, replace: bool) -> int:
    """Open the lock, made where there is none; what is no file in its place is removed with `replace`."""
    path = dest.path / LOCK
    try:
        _clear(dest, path.parent, S_ISDIR, "it is no folder", replace=replace)
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(dest, path, S_ISREG, "it is no file", replace=replace)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise DestinationError(
            "dest-not-writable", f"DEST {dest}: {error.strerror}", "check its permissions, or name another folder"
        ) from error


def _clear(dest: Location, path: Path, wanted: Callable[[int], bool], why: str, *, replace: bool) -> None:
    """Refuse what is of another kind than wanted, or remove it."""
    with contextlib.suppress(FileNotFoundError):
        if not wanted(path.lstat().st_mode):
            if not replace:
                raise damaged(str(path), why, at=_below(dest))
            remove_whatever(path)
