"""One file through the product, and judged."""

from __future__ import annotations

from pathlib import Path

import streamify
from e2e.driving import published, rungs
from sources import corpus
from sources.page import folder
from sources.rights import RIGHTS
from sources.trying import Row, attempt
from streamify.errors import VerificationFailed


def judged(kind: str, name: str, scratch: Path) -> Row:
    """Transcode a file and assert that the result is right; return its row."""
    source, dest = folder(kind) / name, scratch / "dest"
    tried = attempt(source, dest, corpus.ladder(name) if kind == "corpus" else rungs(144))
    allowed = ((corpus.REFUSED[name],) if name in corpus.REFUSED else ()) if kind == "corpus" else RIGHTS[name].refused
    if tried.report is None:
        assert tried.code in allowed, f"refused: {tried.row.why}"
        assert tried.exit_code in (3, 4, 7)
        assert published(dest) == []
        return tried.row
    if kind == "corpus":
        assert not allowed, "it was not refused"
        corpus.judge(name, source, tried.report, dest)
    else:
        RIGHTS[name].judge(source, tried.report, dest)
    try:
        streamify.verify(dest, source)
    except VerificationFailed as error:
        raise AssertionError(f"verify --source: {error.faults}") from error
    return tried.row
