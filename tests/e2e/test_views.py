"""HEVC with two views, as phones write spatial video (MV-HEVC): the base view, whole, and a note of the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode
from clips.views import two_views
from e2e.driving import rungs, verify
from selection import sample

COUNT, OTHER = 50, 700
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip
X265 = {"preset": "ultrafast", "g": "25", "x265-params": "bframes=2:log-level=none:pools=none:frame-threads=1"}


@pytest.mark.parametrize("muxer", sample(["mp4", "mov", "matroska", "mpegts"], "mp4", "mpegts"))
def test_the_base_view_is_whole_and_the_other_is_named(muxer: str, tmp_path: Path) -> None:
    left = encode(tmp_path / "left.mp4", range(COUNT), "libx265", "mp4", X265)
    right = encode(tmp_path / "right.mp4", range(OTHER, OTHER + COUNT), "libx265", "mp4", X265)
    source = two_views(left, right, tmp_path / f"film.{muxer}", muxer)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (track,) = report.tracks
    assert [number for _, number in decode_track(tmp_path / "dest", track.folder)] == list(range(COUNT))
    assert (report.certificate.coded, report.certificate.lost) == (COUNT, ())
    dropped = {note.what for note in report.notes if note.kind == "dropped"}
    assert dropped == {"other layers of the video (further views, or transparency)"}
    assert verify(tmp_path / "dest", source).faults == ()
