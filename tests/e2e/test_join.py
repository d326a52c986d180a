"""Mono streams that are one programme's channels, in the finished stream: each channel where it belongs, in step."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamify
from clips.tones import LEVEL, PITCHES, Wave, read_sound, tone_levels
from e2e.driving import verify
from streamify.model.report import Report

SECONDS = 3


def make(
    path: Path,
    pitches: Sequence[int],
    *options: str,
    labels: Sequence[str] = (),
    rate: int = 48000,
    seconds: int = SECONDS,
) -> Path:
    """Write a film with one mono stream for each pitch, labelled where there are labels."""
    inputs = ["-f", "lavfi", "-i", f"color=size=64x64:rate=25:duration={SECONDS}"]
    maps = ["-map", "0"]
    for number, pitch in enumerate(pitches):
        label = f",aformat=channel_layouts={labels[number]}" if labels else ""
        # FFmpeg's sine has an amplitude of 1/8.
        tone = f"sine=frequency={pitch}:sample_rate={rate}:duration={seconds},volume={8 * LEVEL}{label}"
        inputs += ["-f", "lavfi", "-i", tone]
        maps += ["-map", str(number + 1)]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, *maps, "-c:v", "mpeg2video", "-c:a", "pcm_s16le"]
    subprocess.run([*command, *options, str(path)], check=True, timeout=120, capture_output=True)
    return path


def run(source: Path, dest: Path, **settings: Any) -> Report:
    fast: dict[str, Any] = {"segment_seconds": 1, "audio_bitrate": 256_000, "preset": "ultrafast"}
    return streamify.transcode(source, dest, engine="inline", **fast | settings)


def heard(dest: Path, report: Report) -> list[Wave]:
    """Return the sound of each stereo track."""
    found = []
    for track in report.tracks:
        folder = dest / track.folder
        if track.kind == "audio":
            data = b"".join(path.read_bytes() for path in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))])
            found.append(read_sound(data))
    return [sound for sound in found if len(sound) == 2]


@pytest.mark.parametrize("labels", [["FR", "FL"], pytest.param(["FL", "FR"], marks=pytest.mark.long)])
def test_labelled_tracks_become_one(tmp_path: Path, labels: list[str]) -> None:
    report = run(make(tmp_path / "a.mov", PITCHES[:2], labels=labels), tmp_path / "dest")
    (sound,) = heard(tmp_path / "dest", report)
    expected = np.eye(2) if labels[0] == "FL" else np.eye(2)[::-1]
    assert tone_levels(sound, PITCHES[:2]) == pytest.approx(expected, abs=0.01)
    assert [note.what for note in report.notes if "joined" in note.why] == [
        "mono audio streams 1, 2" if labels[0] == "FL" else "mono audio streams 2, 1"
    ]


def test_tracks_without_labels_stay_apart_until_the_map_joins_them(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mov", PITCHES[:2])
    report = run(source, tmp_path / "apart")
    assert len(heard(tmp_path / "apart", report)) == 2
    assert any("--audio-map 1+2" in note.why for note in report.notes)
    report = run(source, tmp_path / "joined", audio_map="en=2+1")
    (sound,) = heard(tmp_path / "joined", report)
    assert tone_levels(sound, PITCHES[:2]) == pytest.approx(np.eye(2)[::-1], abs=0.01)
    assert [track.folder[:9] for track in report.tracks if track.kind == "audio"] == ["audio/en-"]


@pytest.mark.long
def test_eight_tracks_of_mxf(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mxf", PITCHES)
    report = run(source, tmp_path / "dest", audio_map="1+2+3+4+5+6,fr=7+8")
    verify(tmp_path / "dest", source)
    mix, second = heard(tmp_path / "dest", report)
    half, scale = 0.5**0.5, 1 / (1 + 2 * 0.5**0.5)  # ITU-R BS.775, lowered so that it cannot clip
    expected = scale * np.array([[1, 0, half, 0, half, 0], [0, 1, half, 0, 0, half]])
    assert tone_levels(mix, PITCHES[:6]) == pytest.approx(expected, abs=0.01)
    assert tone_levels(second, PITCHES[6:]) == pytest.approx(np.eye(2), abs=0.01)


def test_channels_are_in_step(tmp_path: Path) -> None:
    """The same tone in two streams whose packets are of different lengths and whose decoders have different delays."""
    source = make(tmp_path / "a.mkv", [400, 400], "-c:a:1", "flac")
    (sound,) = heard(tmp_path / "dest", run(source, tmp_path / "dest", audio_map="1+2"))
    assert np.abs(sound[0] - sound[1]).max() < 1e-3
    assert tone_levels(sound, [400]) == pytest.approx(np.ones((2, 1)), abs=0.01)


def test_a_channel_that_starts_late_is_silent_until_then(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.mov", PITCHES[:2])
    late = tmp_path / "b.mkv"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(whole), "-itsoffset", "1", "-i", str(whole)]
    command += ["-map", "0:0", "-map", "0:1", "-map", "1:2", "-c", "copy", str(late)]
    subprocess.run(command, check=True, timeout=60)
    (sound,) = heard(tmp_path / "dest", run(late, tmp_path / "dest", audio_map="1+2"))
    assert np.abs(sound[1, :46_000]).max() < 0.01
    assert tone_levels(sound[:, 60_000:120_000], PITCHES[:2]) == pytest.approx(np.eye(2), abs=0.02)


@pytest.mark.long
def test_pieces_of_long_tracks_are_slices_of_all_their_streams(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mov", [400, 600], "-vn", labels=["FL", "FR"], rate=8000, seconds=320)
    report = run(source, tmp_path / "dest", segment_seconds=10)
    (sound,) = heard(tmp_path / "dest", report)
    assert sound.shape[1] == pytest.approx(320 * 48_000, abs=2048)
    for second in range(0, 318, 6):
        part = sound[:, second * 48_000 : (second + 2) * 48_000]
        assert tone_levels(part, [400, 600]) == pytest.approx(np.eye(2), abs=0.02), second
