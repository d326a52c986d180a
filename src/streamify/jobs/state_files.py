"""State in a folder has to be files in folders: a pipe in place of a file would block a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from streamify.dest.layout import (
    BURN,
    GROWING,
    JOB,
    LEDGER,
    LOCK,
    LOUDNESS,
    MANIFESTS,
    POSTER_RECORD,
    PREVIEW_RECORD,
    REPORT,
    RETIRED,
    RUNS,
    SHEETS,
    STATE,
    STATE_SUFFIXES,
    TEXT,
    TRACK_FOLDERS,
    track_of,
)
from streamify.errors import DestinationError
from streamify.jobs.report import read_report
from streamify.model.base import Frozen
from streamify.model.burn import BurnPart
from streamify.model.images import Poster, Preview, SheetRecord
from streamify.model.job import GrowingState, JobRecord, Retired
from streamify.model.location import Location
from streamify.model.loudness import Loudness, LoudnessPiece
from streamify.model.words import CaptionsPart, TextRecord
from streamify.storage.base import Storage
from streamify.storage.saved import damaged, read_saved, schema_of

_KNOWN: dict[str, tuple[type[Frozen], type[Frozen]]] = {
    LOUDNESS: (Loudness, LoudnessPiece),
    TEXT: (TextRecord, CaptionsPart),
    SHEETS: (SheetRecord, SheetRecord),
    BURN: (BurnPart, BurnPart),
}
"""What is right in a folder of the state, and what is in the folders in it."""


def check_state_files(dest: Location, *, replace: bool) -> None:
    """Make sure that all state in a folder is of the right kind: a file, or a folder of files.

    Args:
        dest: A folder; object stores have no kinds.
        replace: What is of another kind is removed.

    Raises:
        DestinationError: ``state-damaged``, something is of another kind; or it cannot be removed.
    """
    if dest.remote:
        return
    for path, why in list(_misfits(dest.path)):
        if not replace:
            raise damaged(str(path), why)
        remove_whatever(path)


def check_published(dest: Location, *, replace: bool) -> None:
    """Make sure that nothing in a folder stands where a file of the stream belongs.

    Args:
        dest: A folder; object stores have no kinds.
        replace: What is no file is removed; a folder only where it is empty.

    Raises:
        DestinationError: ``dest-conflict``.
    """
    if dest.remote:
        return
    for path, why in list(_published_misfits(dest.path)):
        if replace:
            with suppress(OSError):  # it holds something: the user's to remove
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
                continue
        raise DestinationError("dest-conflict", f"{path}: {why}, where a file of the stream belongs", "remove it")


def check_saved(media: Storage, *, replace: bool) -> None:
    """Make sure that the state which later steps read can be read.

    Args:
        media: Rooted at DEST.
        replace: What cannot be read is removed: it tells of what is replaced.

    Raises:
        DestinationError: ``state-damaged`` or ``state-newer``.
    """
    if not replace:
        read_report(media)  # a newer one is not overwritten; a damaged one is written again at the end
    kinds: dict[str, type[JobRecord | Retired | GrowingState]] = {
        JOB: JobRecord,
        RETIRED: Retired,
        GROWING: GrowingState,
    }
    for key, kind in kinds.items():
        try:
            read_saved(media, key, kind, at="DEST")
        except DestinationError as error:
            if not replace or error.code not in ("state-damaged", "state-newer"):
                raise
            media.delete(key)
    if replace:
        for key in list(_newer(media)):
            media.delete(key)


def _newer(media: Storage) -> Iterator[str]:
    """Yield keys of what a newer release knew of a stream: measurements, words, images and what is drawn."""
    for key, image in ((POSTER_RECORD, Poster), (PREVIEW_RECORD, Preview)):
        if _is_newer(image, media.get(key)):
            yield key
    for folder, (kind, part) in _KNOWN.items():
        listed = [entry.key for entry in media.list(folder)]
        for key, data in zip(listed, media.get_many(listed), strict=True):
            if _is_newer(part if "/" in key.removeprefix(f"{folder}/") else kind, data):
                yield key


def _is_newer(kind: type[Frozen], data: bytes | None) -> bool:
    schema = schema_of(data) if data is not None else None
    return schema is not None and schema > int(kind.model_fields["schema_version"].default)


def remove_whatever(path: Path) -> None:
    """Remove a file, link, pipe, device or whole folder."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise DestinationError(
            "storage-failed", f"cannot remove {path}: {error.strerror}", "check the path and its permissions"
        ) from error


def _published_misfits(root: Path) -> Iterator[tuple[Path, str]]:
    tracks = [track for kind in TRACK_FOLDERS for track in (root / kind).glob("*") if track.is_dir()]
    for folder in (root, *tracks):
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                key = path.relative_to(root).as_posix()
                if (key in (REPORT, *MANIFESTS) or track_of(key) is not None) and not entry.is_file():
                    yield path, "it is a folder" if entry.is_dir() else "it is no file"


def _misfits(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield what is of a wrong kind, and why. Folders of state have no suffix, files have one."""
    state = root / STATE
    if not state.is_dir():
        if state.exists() or state.is_symlink():
            yield state, "it is no folder"
        return
    waiting = [str(state)]
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                is_file_name = entry.name.endswith(STATE_SUFFIXES) or path == root / LOCK
                if entry.is_dir():
                    if is_file_name:
                        yield path, "it is a folder, no file"
                    else:
                        waiting.append(entry.path)
                elif not entry.is_file():
                    yield path, "it is neither a file nor a folder"
                elif any(root / name in (path, path.parent) for name in (LEDGER, RUNS)) or path == root / LOUDNESS:
                    yield path, "it is a file, no folder"
