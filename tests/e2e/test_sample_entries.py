"""MP4 whose video track has several sample entries, as tools write them that join recordings without encoding."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.entries import join_entries
from e2e.driving import rungs
from selection import sample

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0")
SECOND: dict[str, tuple[str, tuple[str, ...], str]] = {
    "another size": ("120x120", X264, "pictures of 120x120 from 1.000 s on"),
    "other colours": (
        "160x90",
        (*X264, "-x264-params", "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"),
        "pictures of BT.601 from 1.000 s on",
    ),
}


def made(path: Path, size: str, *options: str) -> Path:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d=1"]
    more = ["-pix_fmt", "yuv420p", "-use_editlist", "0", "-video_track_timescale", "1000", "-movie_timescale", "1000"]
    subprocess.run([*command, *options, *more, str(path)], check=True, timeout=60)
    return path


@pytest.mark.parametrize("name", sample(SECOND, "other colours"))
def test_both_parts_are_shown(name: str, tmp_path: Path) -> None:
    size, options, note = SECOND[name]
    parts = made(tmp_path / "1.mp4", "160x90", *X264), made(tmp_path / "2.mp4", size, *options)
    source = join_entries(parts, tmp_path / "joined.mp4")
    report = streamify.transcode(source, tmp_path / "dest", engine="inline", preset="ultrafast", ladder=rungs(64))
    assert (report.tracks[0].frames, report.tracks[0].duration) == (50, Fraction(2))
    assert any(one.what.startswith(note) for one in report.notes), report.notes
    assert streamify.verify(tmp_path / "dest", source).faults == ()
