"""Sound that changes its rate or channels midway: never another pitch, nothing lost, each change named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.joined_sound import HERTZ, join, pitches, tone
from e2e.driving import rungs, verify
from selection import sample
from streamify.model.report import Report

Part = tuple[int, int]
"""Rate and channels."""

AAC, MP2, MP3 = ("-c:a", "aac"), ("-c:a", "mp2", "-b:a", "192k"), ("-c:a", "libmp3lame", "-b:a", "96k")
AC3, EAC3 = ("-c:a", "ac3", "-b:a", "192k"), ("-c:a", "eac3", "-b:a", "192k")


def run(source: Path, dest: Path, **settings: Any) -> Report:
    return streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=rungs(120), **settings)


CHANGES: dict[str, tuple[tuple[str, ...], Part, Part]] = {
    "aac": (AAC, (48000, 2), (44100, 2)),
    "aac-mono": (AAC, (44100, 1), (48000, 2)),
    "mp2": (MP2, (48000, 2), (32000, 1)),
    "mp3": (MP3, (44100, 2), (24000, 1)),
    "ac3": (AC3, (48000, 6), (44100, 2)),
    "eac3": (EAC3, (48000, 2), (48000, 6)),
}


@pytest.mark.parametrize("name", sample(CHANGES, "aac"))
def test_a_broadcast_that_changes_its_sound_midway(name: str, tmp_path: Path) -> None:
    encode, first, second = CHANGES[name]
    parts = [
        tone(tmp_path / f"{number}.ts", *part, 3, *encode, start=3 * number)
        for number, part in enumerate((first, second))
    ]
    dest = tmp_path / "dest"
    report = run(join(tmp_path / "joined.ts", parts), dest)
    assert pitches(dest, report) == pytest.approx([HERTZ] * 6, abs=1)
    sound = next(one for one in report.tracks if one.kind == "audio")  # in stereo; 5.1 may stand beside it
    assert float(sound.duration) == pytest.approx(6, abs=0.06)
    named = [note.what for note in report.notes if "becomes" in note.what]
    assert 1 <= len(named) <= 2, report.notes  # FFmpeg makes a frame of both parts where MPEG audio is joined
    assert f"becomes {second[0]} Hz" in named[-1]
    assert [float(what.split(" at ")[1].split()[0]) for what in named] == pytest.approx([3] * len(named), abs=0.1)
    assert verify(dest, tmp_path / "joined.ts").faults == ()
