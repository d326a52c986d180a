"""One file through the product, and judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from e2e.driving import published, rungs, verify
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
        if kind == "corpus" and name in corpus.CUT_OFF:
            return _of_what_is_there(source, dest, name, tried.row)
        return tried.row
    if kind == "corpus":
        assert not allowed, "it was not refused"
        corpus.judge(name, source, tried.report, dest)
    else:
        RIGHTS[name].judge(source, tried.report, dest)
    _verify(dest, source)
    return tried.row


def _verify(dest: Path, source: Path) -> None:
    try:
        verify(dest, source)
    except VerificationFailed as error:
        raise AssertionError(f"verify --source: {error.faults}") from error


def _of_what_is_there(source: Path, dest: Path, name: str, refused: Row) -> Row:
    """Follow the remedy of a file that was cut off; return the row of its refusal with what comes of that."""
    tried = attempt(source, dest, corpus.ladder(name), loss_limit=100)
    assert tried.report is not None, tried.row.why
    assert tried.row.pictures == corpus.CUT_OFF[name], f"{tried.row.pictures} pictures"
    _verify(dest, source)
    there = f"{tried.row.pictures} pictures, {float(tried.row.seconds):.3f} s, {tried.row.sounds} sounds"
    return replace(refused, why=f"{refused.why}; `--loss-limit 100` makes a stream of what is there: {there}")
