"""Removes streams that `play SOURCE` keeps in the user's cache."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from streamify.dest.layout import LOCK, STATE
from streamify.errors import DestinationError
from streamify.jobs.hold_folder import shut
from streamify.jobs.state_files import remove_whatever
from streamify.model.cleaning import Cleaning, Removable
from streamify.model.location import Location


def clean_cache(root: Path, *, older_than: float = 0, remove: bool = False) -> Cleaning:
    """Find the streams in a cache that nobody plays; remove them where that is asked for.

    Args:
        root: Of the cache: see `streamify.jobs.locations.cache_root`.
        older_than: Seconds since a run last began or ended there.
        remove: Remove them.

    Raises:
        DestinationError: One cannot be removed.
    """
    now, items, kept = time.time(), [], []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if not (folder / STATE).is_dir() or folder.is_symlink():
            kept.append(f"{folder.name}: it is no stream of Streamify")
        elif now - _last_used(folder) >= older_than:
            try:
                with shut(Location.of_dest(folder)):
                    items.append(Removable(key=folder.name, size=sum(_sizes(folder)), kind="cache"))
                    if remove:
                        remove_whatever(folder)
            except DestinationError as error:
                if error.code != "dest-busy":
                    raise
                kept.append(f"{folder.name}: it is being played")
    return Cleaning(dest=str(root), removed=remove, items=tuple(items), kept=tuple(kept))


def _last_used(folder: Path) -> float:
    return max((path.stat().st_mtime for path in (folder / LOCK, folder / STATE) if path.exists()), default=0.0)


def _sizes(folder: Path) -> Iterator[int]:
    yield from (path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
