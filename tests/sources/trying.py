"""Putting one file through the product, and what is said of it on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import streamify
from streamify.errors import StreamifyError, TasksFailed
from streamify.model.report import Report
from streamify.model.source import Note

NAMED = 4
"""Notes that the page names of each file; the rest are counted."""


@dataclass(frozen=True)
class Row:
    """What became of a file."""

    outcome: str
    """`kept`, `converted` or `refused`."""
    why: str
    pictures: int
    seconds: Fraction
    sounds: int

    def cells(self) -> tuple[str, ...]:
        """Return it as the page's cells."""
        if self.outcome == "refused":
            return self.outcome, _escaped(self.why), "", "", ""
        return (
            self.outcome, _escaped(self.why), str(self.pictures), f"{float(self.seconds):.3f}", str(self.sounds)
        )  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """A file that was put through."""

    row: Row
    report: Report | None
    """``None``: it was refused."""
    code: str = ""
    """Of the refusal."""
    exit_code: int = 0


def attempt(source: Path, dest: Path, ladder: Any, **settings: Any) -> Tried:
    """Transcode a file on one worker."""
    try:
        report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=ladder, **settings)
    except StreamifyError as error:
        code, said = error.code, error.message
        if isinstance(error, TasksFailed) and error.failures:
            code, said = error.failures[0].code, error.failures[0].cause
        what = said.replace(str(source), source.name).replace(f"{source.name}: ", "").replace(source.name, "it")
        return Tried(Row("refused", f"`{code}`: {what}", 0, Fraction(0), 0), None, code, error.exit_code)
    return Tried(row_of(report), report)


def row_of(report: Report) -> Row:
    """Return the row of a finished stream."""
    video = [track for track in report.tracks if track.kind == "video"]
    sounds = [track for track in report.tracks if track.kind == "audio"]
    outcome, why = summary(report.notes)
    longest = max((track.duration for track in video or sounds), default=Fraction(0))
    return Row(outcome, why, video[0].frames if video else 0, longest, len(sounds))


def summary(notes: Sequence[Note]) -> tuple[str, str]:
    """Return whether a source is kept as it is, and what of it is not."""
    told = list(dict.fromkeys(note.what for note in notes if note.kind != "info"))
    more = f"; {len(told) - NAMED} more" if len(told) > NAMED else ""
    return ("converted", "; ".join(told[:NAMED]) + more) if told else ("kept", "")


def _escaped(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return shown.replace("|", "\\|").replace("<", "&lt;")
