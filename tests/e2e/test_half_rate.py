"""Films above 60 pictures a second: each second picture, at its time; `verify --source` has nothing against it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux
from e2e.driving import rungs, verify
from selection import sample

COUNT = 90
X264 = {"preset": "veryfast", "bf": "2", "g": "30", "x264-params": "b-adapt=0"}
RATES = {"120": Fraction(120), "119.88": Fraction(120_000, 1001), "100": Fraction(100)}
WAYS = [*product(RATES, ("mp4", "mkv", "ts", "flv", "avi"))]


@pytest.mark.parametrize(("rate", "suffix"), sample(WAYS, ("119.88", "mkv"), ("120", "avi")))
def test_each_second_picture_at_its_time(rate: str, suffix: str, tmp_path: Path) -> None:
    fast = RATES[rate]
    first = encode(tmp_path / "first.mp4", range(COUNT), "libx264", "mp4", X264, rate=fast)
    plain = ("-bsf:v", "h264_mp4toannexb") if suffix == "avi" else ()
    source = remux(first, tmp_path / f"film.{suffix}", *plain)
    dest = tmp_path / "dest"
    report = streamify.transcode(
        source, dest, engine="inline", preset="ultrafast", ladder=rungs(144), segment_seconds=1, keyframe_seconds=1
    )
    (track,) = report.tracks
    shown = decode_track(dest, track.folder)
    assert [number for _, number in shown] == list(range(0, COUNT, 2))
    late = [abs(time - Fraction(number or 0) / fast) for time, number in shown]
    assert max(late) <= Fraction(1, 500), late
    assert verify(dest, source).faults == ()
