"""Sound in which every moment is another one: notes of random pitch, for telling which sound is which."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clips.tones import write_plain_wav

Wave = npt.NDArray[np.float64]

NOTE = 0.3
"""Seconds of a note."""


PICTURES = {".mpg": ("-c:v", "mpeg2video"), ".avi": ("-c:v", "mpeg2video")}
"""FFmpeg's options of pictures by extension."""


def melody(seconds: float, rate: int = 48000, seed: int = 1, level: float = 0.2) -> Wave:
    """Return two channels that play different notes."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    at = np.arange(count) / rate
    channels = []
    for _ in range(2):
        pitch = random.uniform(150, 1500, round(seconds / NOTE) + 2)[(at / NOTE).astype(int)]
        channels.append(level * np.sin(2 * np.pi * np.cumsum(pitch) / rate))
    return np.stack(channels)


def film(path: Path, samples: Wave, *audio: str, rate: int = 48000, seconds: float | None = None) -> Path:
    """Write small pictures with a sound.

    Args:
        path: Its extension names the container.
        samples: The sound.
        audio: FFmpeg's options of it; AAC unless they say something else.
        rate: Samples per second.
        seconds: Length of the pictures; as long as the sound unless given.
    """
    wave = write_plain_wav(path.with_suffix(".wav"), samples, rate)
    length = samples.shape[1] / rate if seconds is None else seconds
    command: Sequence[str] = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s=128x96:r=25:d={length}",
        "-i", str(wave), *PICTURES.get(path.suffix, ("-c:v", "libx264", "-preset", "ultrafast")),
        "-c:a", "aac", "-b:a", "128k", *audio, str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return path
