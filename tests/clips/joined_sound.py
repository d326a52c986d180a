"""Sound whose rate or channels change midway, made by the system's ffmpeg, and the pitch of what comes out."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clips.sound import decode_audio_ffmpeg
from streamify.model.report import Report

HERTZ = 440
"""Of all tones."""


def ffmpeg(*arguments: str | Path) -> None:
    """Run the system's ffmpeg."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def tone(path: Path, rate: int, channels: int, seconds: float, *encode: str, start: float = 0) -> Path:
    """Write a tone of `HERTZ`; a transport stream gets a picture beside it, and its clock begins at `start`."""
    sound = f"sine=frequency={HERTZ}:sample_rate={rate}:duration={seconds}"
    inputs = ["-f", "lavfi", "-i", sound]
    if path.suffix == ".ts":
        picture = f"testsrc=size=214x120:rate=25:duration={seconds}"
        inputs += ["-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25"]
        inputs += ["-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", str(start)]
    ffmpeg(*inputs, *encode, "-ac", str(channels), "-ar", str(rate), path)
    return path


def join(path: Path, parts: Sequence[Path]) -> Path:
    """Lay files end to end."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def pitches(dest: Path, report: Report) -> list[float]:
    """Return the pitch of each whole second of what ffmpeg plays, Hz; 0: silence."""
    track = next(one for one in report.tracks if one.kind == "audio")
    sound = decode_audio_ffmpeg(dest, track.folder)
    samples, rate = sound.samples, sound.rate
    found = []
    for second in range(round(len(samples) / rate)):
        part = samples[second * rate : (second + 1) * rate]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)), 4 * len(part)))
        found.append(float(power.argmax()) * rate / (4 * len(part)) if np.abs(part).max() > 0.01 else 0.0)
    return found
