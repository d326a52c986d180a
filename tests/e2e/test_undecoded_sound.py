"""Sound that a decoder refuses: a film is not published with silence in its place, beyond what `loss_limit` allows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

import streamify
from clips.tones import read_sound
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
    "ac3 from 1 s on": ("film.mkv", "ac3", 1.0),
    "tta whole": ("film.mkv", "tta", 0.0),
    "wma from 1 s on": ("film.wmv", "wmav2", 1.0),
}
"""The reader of packets counts the samples of some of them; those of TTA and WMA are not counted."""


def film(folder: Path, name: str, encoder: str, since: float, *, mono: bool = False) -> Path:
    """Write a film whose packets of sound hold a byte that no decoder takes, from a second on.

    With `mono` the channels are streams of their own.
    """
    whole, out = folder / f"whole-{name}", folder / name
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=s=96x64:r=25:d={SECONDS}"]
    command += ["-f", "lavfi", "-i", f"aevalsrc='0.3*sin(880*PI*t)|0.3*sin(880*PI*t)':s=48000:d={SECONDS}"]
    if mono:
        command += ["-filter_complex", "[1:a]channelsplit[l][r]", "-map", "0:v", "-map", "[l]", "-map", "[r]"]
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
    found = [
        re.fullmatch(r"([0-9.]+) s of audio stream 1", note.what) for note in report.notes if note.kind == "damaged"
    ]
    assert sum(float(one[1]) for one in found if one is not None) == pytest.approx(1.5, abs=0.1), report.notes


def test_the_remedy_makes_a_stream(tmp_path: Path) -> None:
    source = film(tmp_path, *KINDS["ac3 whole"])
    report = streamify.transcode(source, tmp_path / "dest", **ALL)
    assert any(note.kind == "damaged" and "audio stream 1" in note.what for note in report.notes), report.notes
    assert verify(tmp_path / "dest", source).faults == ()


def test_streams_that_are_joined_lose_the_same_time_once(tmp_path: Path) -> None:
    source = film(tmp_path, "film.wmv", "wmav2", SECONDS - 1.5, mono=True)
    joined: SettingsDict = {**SETTINGS, "audio_map": "1+2"}
    report = streamify.transcode(source, tmp_path / "dest", **joined)
    found = [re.fullmatch(r"([0-9.]+) s of audio stream 1", note.what) for note in report.notes]
    assert sum(float(one[1]) for one in found if one is not None) == pytest.approx(1.5, abs=0.1), report.notes


def test_fragments_of_a_packet_each_lose_nothing(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc=s=96x64:r=25:d={SECONDS}"]
    command += ["-f", "lavfi", "-i", f"aevalsrc='0.5*lt(mod(t,1),0.5)*sin(880*PI*t)':s=48000:d={SECONDS}"]
    command += ["-c:a", "aac"]
    command += ["-c:v", "mpeg4", "-movflags", "frag_every_frame+empty_moov+separate_moof", str(source)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert [note for note in report.notes if note.kind == "damaged"] == []
    (track,) = (one for one in report.tracks if one.kind == "audio")
    folder = tmp_path / "dest" / track.folder
    sound = read_sound(b"".join(one.read_bytes() for one in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))]))
    halves = sound[0, : SECONDS * 48_000].reshape(2 * SECONDS, 24_000)[:, 4_000:-4_000]
    levels = np.sqrt((halves**2).mean(axis=1)).reshape(SECONDS, 2)
    assert levels[:, 0] == pytest.approx(0.5 * 0.5**0.5, rel=0.05)
    assert levels[:, 1] == pytest.approx(0, abs=0.01)
