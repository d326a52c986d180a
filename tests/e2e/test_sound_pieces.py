"""Pieces of a track whose container rounds timestamps: they follow each other to the sample, wherever they begin."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import streamify
from clips.joined_sound import ffmpeg
from clips.make import ClipSpec, make_clip
from clips.sound import compare_sweep, decode_audio
from e2e.driving import rungs
from selection import sample
from streamify.model.plan import Segment
from streamify.model.report import Report
from streamify.planning import audio as audio_grid

SOURCES = {
    "mkv-pcm": ClipSpec(container="mkv", audio_codec="pcm_s16le"),
    "mkv-aac": ClipSpec(container="mkv", audio_codec="aac", audio_rate=44100),
    "mkv-opus": ClipSpec(container="mkv", audio_codec="libopus"),
    "ts-aac": ClipSpec(container="ts", audio_codec="aac"),
    "ts-ac3": ClipSpec(container="ts", audio_codec="ac3"),
    "mkv-32-khz": ClipSpec(container="mkv", audio_codec="pcm_s16le", audio_rate=32000),
}


def run(source: Path, dest: Path) -> Report:
    wanted = {"ladder": rungs(64), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"}
    return streamify.transcode(source, dest, engine="inline", **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sample(SOURCES))
def test_pieces_sound_like_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(SOURCES[name], seconds=Fraction(14), audio="sweep", size=(128, 96), crf=35)
    clip = make_clip(spec, tmp_path)
    whole = run(clip.path, tmp_path / "whole")
    monkeypatch.setattr(audio_grid, "PIECE_SECONDS", 3)
    parts = run(clip.path, tmp_path / "parts")
    segments = [
        Segment.from_json(line)
        for line in next((tmp_path / "parts").rglob("segments-*")).read_text().split("\n")
        if line
    ]
    pieces = [piece for segment in segments for piece in segment.pieces]
    assert len(pieces) == 5
    assert all(piece.splice is not None and piece.number > 0 for piece in pieces[1:])
    one, many = (
        decode_audio(tmp_path / dest, next(track.folder for track in report.tracks if track.kind == "audio"))
        for dest, report in (("whole", whole), ("parts", parts))
    )
    borders = itertools.accumulate(next(track for track in parts.tracks if track.kind == "audio").segments.duration)
    joins = [Fraction(border - 1024, one.rate) for border in borders][2:-1:3]
    found = compare_sweep(one, one, many, joins)
    assert (found.holes, found.drift_start, found.drift_end) == (0, 0, 0)
    assert len(one.samples) == len(many.samples)
    # A gap of one sample is at -20 dB; after a join AAC never becomes what it is in one go: -30.
    assert found.at_joins < -26, found
    assert found.elsewhere < -26, found


def test_a_pause_longer_than_a_piece_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that ends in the pause goes by what its packets say, and takes none of those behind it for its own."""
    plain, source = tmp_path / "plain.mkv", tmp_path / "a.mkv"
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=3", "-c:a", "libopus", plain)
    later = "if(gt(PTS,1500),PTS+12000,PTS)"
    ffmpeg("-i", plain, "-c", "copy", "-bsf:a", f"setts=pts='{later}':dts='{later}'", source)
    monkeypatch.setattr(audio_grid, "PIECE_SECONDS", 3)
    report = run(source, tmp_path / "dest")
    (track,) = report.tracks
    sound = decode_audio(tmp_path / "dest", track.folder)
    assert float(sound.end) == pytest.approx(15, abs=0.1)
    level = [float(np.abs(sound.at(second * 48000, 48000)).max()) for second in range(15)]
    assert [second for second, peak in enumerate(level) if peak > 0.05] == [0, 1, 13, 14]
