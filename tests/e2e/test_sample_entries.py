"""MP4 whose video track has several sample entries, as tools write them that join recordings without encoding."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.entries import join_entries
from e2e.driving import rungs
from selection import sample
from streamify.errors import TasksFailed

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0")
SECOND: dict[str, tuple[str, tuple[str, ...], str]] = {
    "another size": ("120x120", X264, "pictures of 120x120 from 1.000 s on"),
    "other colours": (
        "160x90",
        (*X264, "-x264-params", "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"),
        "pictures of BT.601 from 1.000 s on",
    ),
}


def made(path: Path, size: str, *options: str, seconds: int = 1) -> Path:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"]
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


def test_a_part_in_another_codec_is_named_and_counts_as_lost(tmp_path: Path) -> None:
    """FFmpeg decodes the first part alone."""
    first = made(tmp_path / "1.mp4", "160x90", *X264, seconds=3)
    second = made(tmp_path / "2.mp4", "160x90", "-c:v", "mpeg4", "-bf", "0", seconds=3)
    source = join_entries((first, second), tmp_path / "joined.mp4")
    settings: dict[str, Any] = {"engine": "inline", "preset": "ultrafast", "ladder": rungs(64)}
    with pytest.raises(TasksFailed):
        streamify.transcode(source, tmp_path / "dest", **settings)
    report = streamify.transcode(source, tmp_path / "dest", loss_limit=100, replace=True, **settings)
    assert report.tracks[0].frames == 75
    (note,) = (one for one in report.notes if one.kind == "damaged")
    assert note.what == "no pictures for 3.000 s at 3.000 s"
    assert "FFmpeg decodes one of avc1, mp4v" in note.why
