"""What is right is not called wrong: odd sources become streams in which `verify --source` finds no fault."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamify
from clips.melody import melody
from clips.numbered import encode
from clips.sound import decode_audio
from clips.tones import write_plain_wav
from e2e.driving import rungs, verify

SETTINGS: dict[str, Any] = {
    "engine": "inline", "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast",
    "thumbnails": "off", "poster": "off",
}  # fmt: skip


def ffmpeg(*options: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, options)], check=True, timeout=60)


def test_pictures_that_are_shown_as_a_narrow_stripe(tmp_path: Path) -> None:
    """Where chroma samples lie, to the left as H.264 says, moves them by ten pixels of the source: V was 21 levels off.

    FFmpeg's scaler, told so, makes the same chroma.
    """
    source = tmp_path / "source.ts"
    clip = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.4", "-vf", "setsar=1/20")
    ffmpeg(*clip, "-c:v", "libx264", "-preset", "ultrafast", "-qp", 4, source)
    streamify.transcode(source, tmp_path / "dest", ladder=rungs(16, crf=10), **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()


def test_sound_alone_begins_when_it_is_first_heard(tmp_path: Path) -> None:
    """Decoders leave out what encoders of WMA put in front: two frames, 86 ms by ffprobe's times of frames.

    That was silence, of which `verify --source` said that the sound is late by it, and the end was cut off.
    """
    source = tmp_path / "source.wma"
    ffmpeg("-i", write_plain_wav(tmp_path / "source.wav", melody(3), 48000), "-c:a", "wmav2", source)
    decoded = tmp_path / "decoded.wav"
    ffmpeg("-i", source, "-f", "f32le", "-ac", 1, decoded)
    expected = np.fromfile(decoded, dtype="<f4")
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    (track,) = report.tracks
    sound = decode_audio(tmp_path / "dest", track.folder)
    for at in (0, len(expected) // 2, len(expected) - 4096):
        part, heard = expected[at : at + 4096], sound.at(at, 4096)
        assert np.corrcoef(part, heard)[0, 1] > 0.9, at
    assert sound.end >= Fraction(len(expected), 48000)
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.parametrize(("place", "length"), [(Fraction(2, 5), 3001), (Fraction(9, 20), 6001)])
def test_pictures_whose_references_are_missing_are_shown_as_ffmpeg_shows_them(
    place: Fraction, length: int, tmp_path: Path
) -> None:
    """FFmpeg 8.1 leaves pictures of HEVC out in silence, up to the next keyframe, unless it is asked for them."""
    whole, source = tmp_path / "whole.ts", tmp_path / "source.ts"
    options = "keyint=25:bframes=3:log-level=none:pools=none:frame-threads=1"
    clip = ("-f", "lavfi", "-i", "testsrc2=s=192x108:r=25:d=4")
    ffmpeg(*clip, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", options, whole)
    data = whole.read_bytes()
    at = int(len(data) * place)
    source.write_bytes(data[:at] + data[at + length :])
    command = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", str(source), "-vsync", "passthrough", "-f", "framemd5", "-"]
    listed = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout
    theirs = sum(not line.startswith("#") for line in listed.splitlines())
    report = streamify.transcode(source, tmp_path / "dest", ladder=rungs(64), **SETTINGS)
    found = report.certificate
    assert (found.decoded, found.lost) == (theirs, ())
    assert found.damaged > 0
    assert any(f": {found.damaged} pictures may look wrong, from " in note.what for note in report.notes), report.notes
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.parametrize(("place", "length"), [(Fraction(9, 20), 20000), (Fraction(4, 5), 7777)])
def test_a_hole_in_open_gops(place: Fraction, length: int, tmp_path: Path) -> None:
    """FFmpeg shows what it holds late, by times of decoding, when the packet behind a hole has none, or before it gives
    the next keyframe, which is that of a segment.
    """
    options = {"preset": "veryfast", "bf": "3", "g": "25", "x264-params": "open-gop=1:b-adapt=0:b-pyramid=normal"}
    source = encode(tmp_path / "source.ts", range(200), "libx264", "mpegts", options)
    data = source.read_bytes()
    at = int(len(data) * place)
    source.write_bytes(data[:at] + data[at + length :])
    report = streamify.transcode(source, tmp_path / "dest", ladder=rungs(96), **SETTINGS)
    found = report.certificate
    assert found.decoded + len(found.lost) == found.promised < 200
    assert any("no pictures for " in note.what and note.kind == "damaged" for note in report.notes)
    assert verify(tmp_path / "dest", source).faults == ()
