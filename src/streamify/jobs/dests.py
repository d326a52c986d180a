"""The DESTs below a place, found by their folders alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from streamify.dest.layout import MASTER, REPORT, STATE, TOP
from streamify.errors import DestinationError, counted
from streamify.model.location import Location
from streamify.storage.locate import open_storage

AT_ONCE = 16
"""Prefixes of an object store that are looked at at the same moment."""
GLANCE = 50
"""Folders that a glance looks at."""
NAMED = 3
"""DESTs that a message names."""


def find_dests(place: Location, *, most: int | None = None) -> Iterator[str]:
    """Yield the DESTs at or below a folder or prefix, by their keys there; "" is the place itself.

    Args:
        place: Where to look.
        most: How many folders to look into; ``None``: all.
    """
    looked, level = 0, [""]
    with ThreadPoolExecutor(AT_ONCE if place.remote else 1, "streamify-find") as pool:
        while level and (most is None or looked < most):
            level = level[: None if most is None else most - looked]
            looked += len(level)
            tops = pool.map(lambda key: open_storage(place.child(key) if key else place).top(), level)
            below = []
            for key, (folders, objects) in zip(level, tops, strict=True):
                is_dest = STATE in folders or {REPORT, MASTER} <= objects
                if is_dest:
                    yield key
                names = (name for name in folders if not name.startswith(".") and not (is_dest and name in TOP))
                below += [f"{key}/{name}" if key else name for name in sorted(names)]
            level = below


def no_job(dest: Location) -> DestinationError:
    """Return the error for a JOB that is none; where there are jobs below it, it names some."""
    found = list(islice(find_dests(dest, most=GLANCE), NAMED + 1))
    if not found:
        return DestinationError("no-job", f"there is no job at {dest}", "give the DEST of a transcode")
    if len(found) == 1:
        return DestinationError(
            "no-job", f"there is no job at {dest}", f"there is one below it: {dest.child(found[0])}"
        )
    names = ", ".join(found[:NAMED]) + (", ..." if len(found) > NAMED else "")
    what = "several" if len(found) > NAMED else counted(len(found), "job")
    return DestinationError(
        "job-ambiguous",
        f"{dest} is no job, but holds {what}: {names}",
        f"name one; list them with: streamify jobs {dest}",
    )
