"""What `clean` says. Values in, lines out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify.cli.text import table
from streamify.errors import counted
from streamify.model.text import size

if TYPE_CHECKING:
    from streamify.model.cleaning import Cleaning

_WORDS = {
    "temporary": "temporary files of writes that were cut off",
    "orphan": "of tracks that no plan and no manifest names",
    "replaced": "of replaced tracks, whose time is over",
    "runs": "records of earlier runs",
    "state": "plan, ledger and records of the finished job",
    "cache": "streams in the cache",
}


def cleaned(found: Cleaning, *, every: bool) -> list[str]:
    """Return what `clean` says; with `every`, each file."""
    what = "stream" if any(item.kind == "cache" for item in found.items) else "file"
    done = "removed" if found.removed else "can be removed"
    total = f"{counted(len(found.items), what)}, {size(found.size)}, {done}" if found.items else "nothing to remove"
    rows = []
    for kind, words in _WORDS.items():
        items = [item for item in found.items if item.kind == kind]
        if items:
            rows.append((f"  {kind}", str(len(items)).rjust(6), size(sum(item.size for item in items)), words))
    lines = [f"{found.dest}: {total}", *(table(rows) if rows else [])]
    lines += [f"    {item.key}" for item in found.items if every or item.kind == "cache"]
    lines += [f"  stays: {line}" for line in found.kept]
    if found.items and not found.removed:
        lines.append("Nothing was removed: --yes removes it" + ("" if every else ", -v names each file"))
    return lines
