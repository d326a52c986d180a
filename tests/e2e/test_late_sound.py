"""Sound that begins late, in containers that do not say at the start that there will be any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import streamify
from clips.joined_sound import HERTZ, ffmpeg, join, pitches
from clips.sound import decode_audio_ffmpeg
from e2e.driving import rungs, verify
from selection import sample

LATE = 9
"""Seconds; FFmpeg looks for streams in the first five."""
PICTURE = ("-f", "lavfi", "-i", "testsrc=size=128x96:rate=10")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency={HERTZ}:sample_rate=48000")
VIDEO = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0")


def late_ts(folder: Path) -> Path:
    """Return a transport stream whose programme map gets its sound late."""
    muxed = ("-muxdelay", "0", "-muxpreload", "0")
    ffmpeg(*PICTURE, "-t", str(LATE), *VIDEO, *muxed, folder / "a.ts")
    both = (*PICTURE, *SOUND, "-t", "4", *VIDEO, "-c:a", "mp2", "-output_ts_offset", str(LATE))
    ffmpeg(*both, *muxed, folder / "b.ts")
    return join(folder / "late.ts", [folder / "a.ts", folder / "b.ts"])


def late_flv(folder: Path) -> Path:
    """Return an FLV whose header says that there are only pictures."""
    path = folder / "late.flv"
    sound = ("-itsoffset", str(LATE), *SOUND)
    ffmpeg(*PICTURE, *sound, "-t", str(LATE + 4), *VIDEO, "-c:a", "aac", "-flvflags", "no_metadata", path)
    data = bytearray(path.read_bytes())
    data[4] = 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", sample([late_ts, late_flv], late_ts))
def test_silence_and_then_the_sound_in_sync(make: Callable[[Path], Path], tmp_path: Path) -> None:
    source, dest = make(tmp_path), tmp_path / "dest"
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder=rungs(64))
    (track,) = (one for one in report.tracks if one.kind == "audio")
    assert pitches(dest, report)[:13] == pytest.approx([0] * LATE + [HERTZ] * 4, abs=1)
    sound = decode_audio_ffmpeg(dest, track.folder)
    begins = np.flatnonzero(np.abs(sound.samples) > 0.02)[0] / sound.rate
    assert begins == pytest.approx(LATE, abs=0.06)
    assert any("late" in note.what for note in report.notes), report.notes
    assert verify(dest, source).faults == ()
