"""Free space that claims fewer bytes than its header: players go on behind the header, where FFmpeg ends."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux
from e2e.driving import rungs, verify
from selection import sample

COUNT = 25


@pytest.mark.parametrize("kind", sample(["free", "skip", "wide"], "free"))
@pytest.mark.parametrize("options", [("-movflags", "+faststart"), ()], ids=["index first", "index last"])
def test_the_film_is_whole(options: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    first = encode(tmp_path / "first.mp4", range(COUNT), "libx264", "mp4", {"preset": "ultrafast"})
    film = remux(first, tmp_path / "film.mp4", *options)
    data = film.read_bytes()
    at = data.index(b"\0\0\0\x08free")
    film.write_bytes(data[:at] + struct.pack(">I4s", 3, kind.encode()) + data[at + 8 :])
    report = streamify.transcode(film, tmp_path / "dest", engine="inline", ladder=rungs(144), preset="ultrafast")
    (track,) = report.tracks
    assert [number for _, number in decode_track(tmp_path / "dest", track.folder)] == list(range(COUNT))
    assert verify(tmp_path / "dest", film).faults == ()
