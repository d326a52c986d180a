"""A short stretch that a file holds twice, as where a segment was downloaded again: its pictures are shown once."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode, remux
from e2e.driving import rungs, verify
from streamify.media.source.ebml import CLUSTER
from streamify.media.source.first_picture import first_shown

pytestmark = pytest.mark.long

COUNT = 60
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip
TONE = f"aevalsrc=0.4*sin(2*PI*t*(300+200*t)):s=48000:d={COUNT / 25}"


def pieces(folder: Path, encoder: str, length: int, muxer: str, sound: str | None) -> tuple[bytes, list[bytes]]:
    """Return what stands in front of a film's pieces, which have `length` pictures each, and the pieces."""
    options = {"preset": "veryfast", "g": str(length), "bf": "2" if length > 2 else "0"}
    options |= {
        "libx264": {"x264-params": "b-adapt=0:scenecut=0"},
        "libx265": {"x265-params": f"keyint={length}:min-keyint={length}:scenecut=0:open-gop=0:log-level=none"},
        "mpeg2video": {"sc_threshold": "1000000000", "flags": "+cgop"},
    }[encoder]
    film = encode(folder / "film.mkv", range(COUNT), encoder, "matroska", options)
    command: list[str | Path] = ["ffmpeg", "-nostdin", "-v", "error", "-i", film]
    if sound is not None:
        command += ["-f", "lavfi", "-i", TONE, "-map", "0", "-map", "1", "-c:a", sound]
    command += ["-c:v", "copy"]
    if muxer == "matroska":
        command += ["-cluster_time_limit", str(length * 40 - 1), "-live", "1", folder / "pieces.mkv"]
        subprocess.run(command, check=True, timeout=60)
        head, *clusters = (folder / "pieces.mkv").read_bytes().split(CLUSTER.to_bytes(4))
        return head, [CLUSTER.to_bytes(4) + body for body in clusters]
    kind = "fmp4" if muxer == "mp4" else "mpegts"
    command += ["-f", "hls", "-hls_list_size", "0", "-hls_time", str((length - 0.5) / 25), "-hls_segment_type", kind]
    command += ["-hls_segment_filename", "piece%03d", "film.m3u8"]
    subprocess.run(command, check=True, timeout=60, cwd=folder)
    head = (folder / "init.mp4").read_bytes() if muxer == "mp4" else b""
    return head, [one.read_bytes() for one in sorted(folder.glob("piece[0-9]*"))]


@pytest.mark.parametrize(
    ("encoder", "length", "muxer", "sound"),
    [
        ("libx264", 1, "ts", None),
        ("libx264", 5, "ts", "aac"),
        ("libx265", 12, "ts", "mp2"),
        ("mpeg2video", 2, "ts", "mp2"),
        ("libx264", 1, "mp4", "aac"),
        ("libx264", 2, "matroska", None),
    ],
)
def test_its_pictures_are_shown_once(encoder: str, length: int, muxer: str, sound: str | None, tmp_path: Path) -> None:
    head, parts = pieces(tmp_path, encoder, length, muxer, sound)
    assert len(parts) == COUNT // length
    place = len(parts) // 2 if muxer != "mp4" else 0
    source = tmp_path / f"source.{muxer}"
    source.write_bytes(head + b"".join([*parts[: place + 1], *parts[place:]]))
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    video = report.source.video
    assert video is not None
    assert first_shown(lambda: source.open("rb"), video, None) == video.first * video.time_base
    assert verify(tmp_path / "dest", source).faults == ()
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    assert [number for _, number in shown] == list(range(COUNT))
    assert max(abs(time - Fraction(at, 25)) for at, (time, _) in enumerate(shown)) < Fraction(1, 500)
    again = f"{length} packets that came before, from {place * length / 25:.3f} s on"
    assert again in [note.what for note in report.notes]
    assert not [note for note in report.notes if note.kind == "damaged"]


@pytest.mark.parametrize("count", [1, 2])
def test_short_recordings_that_are_alike_are_shown_each(count: int, tmp_path: Path) -> None:
    """Its own times come for those of presentation to a decoder that sees these fall: two places too early."""
    options = {"preset": "ultrafast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}
    data = b""
    for start, length, rate in ((0, count, 25), (0, count, 25), (100, 30, 50), (200, 30, 25)):
        film = encode(
            tmp_path / "part.mkv", range(start, start + length), "libx264", "matroska", options, rate=Fraction(rate)
        )
        data += remux(film, tmp_path / "part.ts").read_bytes()
    source = tmp_path / "film.ts"
    source.write_bytes(data)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()
    shown = [number for _, number in decode_track(tmp_path / "dest", report.tracks[0].folder)]
    assert shown == [*range(count)] * 2 + [*range(100, 130), *range(200, 230)]
