"""Sound that a decoder refuses: a film is not published with silence in its place, beyond what `loss_limit` allows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import pytest

import streamify
from e2e.driving import published, rungs, verify
from selection import sample
from streamify.errors import TasksFailed
from streamify.settings.arguments import SettingsDict

SETTINGS: SettingsDict = {
    "engine": "inline", "ladder": rungs(64), "preset": "ultrafast", "segment_seconds": 1, "keyframe_seconds": 1
}  # fmt: skip
ALL: SettingsDict = {**SETTINGS, "loss_limit": 100}
SECONDS = 4

KINDS = {
    # Name of the file, encoder, and the second from which on its packets hold nothing.
    "ac3 whole": ("film.mkv", "ac3", 0.0),
    "flac whole": ("film.mkv", "flac", 0.0),
    "aac whole": ("film.mp4", "aac", 0.0),
    "wma from 1 s on": ("film.wmv", "wmav2", 1.0),
}
"""The reader of packets counts the samples of some of them; of WMA nobody does."""


def film(folder: Path, name: str, encoder: str, since: float) -> Path:
    """Write a film whose packets of sound hold a byte that no decoder takes, from a second on."""
    whole, out = folder / f"whole-{name}", folder / name
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=s=96x64:r=25:d={SECONDS}"]
    command += ["-f", "lavfi", "-i", f"aevalsrc='0.3*sin(880*PI*t)|0.3*sin(880*PI*t)':s=48000:d={SECONDS}"]
    command += ["-c:v", "mpeg4", "-c:a", encoder, "-strict", "-2", str(whole)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    with av.open(str(whole)) as given, av.open(str(out), "w") as made:
        streams = {one.index: made.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.dts is None:
                continue
            taken = packet
            if packet.stream.type == "audio" and packet.dts * packet.time_base >= since:
                taken = av.Packet(b"\xff" * packet.size)
                taken.pts, taken.dts, taken.duration = packet.pts, packet.dts, packet.duration
                taken.time_base, taken.is_keyframe = packet.time_base, True
            taken.stream = streams[packet.stream.index]
            made.mux(taken)
    return out


@pytest.mark.parametrize("kind", sample(KINDS, "ac3 whole"))
def test_more_than_is_allowed_ends_the_job(kind: str, tmp_path: Path) -> None:
    source = film(tmp_path, *KINDS[kind])
    with pytest.raises(TasksFailed) as caught:
        streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (failure,) = caught.value.failures
    assert failure.code == "too-many-lost"
    assert "s of audio stream 1 do not decode; 2.000 s are allowed" in failure.cause
    assert "--loss-limit" in (failure.hint or "")
    assert published(tmp_path / "dest") == []


def test_what_is_allowed_is_named(tmp_path: Path) -> None:
    source = film(tmp_path, *KINDS["wma from 1 s on"][:2], SECONDS - 1.5)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert any(note.kind == "damaged" and "s of audio stream 1" in note.what for note in report.notes), report.notes


def test_the_remedy_makes_a_stream(tmp_path: Path) -> None:
    source = film(tmp_path, *KINDS["ac3 whole"])
    report = streamify.transcode(source, tmp_path / "dest", **ALL)
    assert any(note.kind == "damaged" and "audio stream 1" in note.what for note in report.notes), report.notes
    assert verify(tmp_path / "dest", source).faults == ()
