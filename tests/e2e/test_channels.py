"""Channels in the finished stream: how loud each of them is, and that none is lost without a note."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamify
from clips.tones import PITCHES, Wave, read_sound, tone_levels, tones, write_plain_wav, write_sound
from selection import sample
from streamify.model.report import Report, TrackReport

C = math.sqrt(0.5)
SECONDS = 2.5


def run(source: Path, dest: Path, **settings: Any) -> Report:
    return streamify.transcode(
        source, dest, engine="inline", **{"segment_seconds": 1, "audio_bitrate": 320_000} | settings
    )


def stream(dest: Path, track: TrackReport) -> bytes:
    folder = dest / track.folder
    return b"".join(path.read_bytes() for path in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))])


def heard(dest: Path, report: Report, number: int = 0) -> Wave:
    return read_sound(stream(dest, report.tracks[number]))


def test_mono_is_as_loud_on_both_channels_as_in_the_source(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "mono.wav", tones(1, SECONDS), "mono")
    report = run(source, tmp_path / "dest")
    levels = tone_levels(heard(tmp_path / "dest", report), PITCHES[:1])
    assert 20 * np.log10(levels) == pytest.approx(0, abs=0.05)  # -3.0 dB with FFmpeg's own matrix


def test_5_1_against_ffmpeg(tmp_path: Path) -> None:
    """The proportions are those of ``ffmpeg -ac 2``; ours is lowered so that it cannot clip."""
    source = write_sound(tmp_path / "a.mov", tones(6, SECONDS), "5.1")
    report = run(source, tmp_path / "dest", surround="off")
    plain = tmp_path / "plain.wav"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-ac", "2", "-c:a", "pcm_f32le", str(plain)]
    subprocess.run(command, check=True)
    ours = tone_levels(heard(tmp_path / "dest", report), PITCHES[:6])
    theirs = tone_levels(read_sound(plain), PITCHES[:6])
    assert ours * (1 + 2 * C) == pytest.approx(theirs / theirs.max(), abs=0.01)
    assert any("LFE" in note.what and note.kind == "dropped" for note in report.notes)


def test_the_levels_of_an_ac3_stream(tmp_path: Path) -> None:
    options = {"center_mixlev": "0.5", "surround_mixlev": "0.707"}
    samples = tones(6, SECONDS)
    source = tmp_path / "a.mkv"
    write_sound(source, samples, "5.1(side)", codec="ac3", form="fltp", options=options, bit_rate=640_000)
    report = run(source, tmp_path / "dest")
    levels = tone_levels(heard(tmp_path / "dest", report), PITCHES[:6])
    assert levels[0] * (1.5 + C) == pytest.approx([1, 0, 0.5, 0, C, 0], abs=0.015)
    assert levels[1] * (1.5 + C) == pytest.approx([0, 1, 0.5, 0, 0, C], abs=0.015)


@pytest.mark.parametrize("count", sample([3, 5, 7, 12], 3, 7))
def test_channels_without_labels(count: int, tmp_path: Path) -> None:
    report = run(write_plain_wav(tmp_path / "a.wav", tones(count, SECONDS)), tmp_path / "dest")
    levels = tone_levels(heard(tmp_path / "dest", report), PITCHES[: min(count, 8)])
    lost = [pitch for pitch, level in zip(PITCHES, levels.max(axis=0), strict=False) if level < 0.02]
    assert lost == ([50] if count == 7 else [])
    assert any(note.why.startswith("mixed down to stereo") for note in report.notes)
