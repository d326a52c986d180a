"""One tone for each channel of a source, and how loud each of them is in the output."""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream

Wave = npt.NDArray[np.float64]

PITCHES = (400, 600, 900, 50, 1300, 1700, 2100, 2500)
"""Hz, of each channel in order; the fourth is LFE in 5.1 and 7.1."""
LEVEL = 0.25
"""Amplitude of each tone."""


def tones(channels: int, seconds: float, rate: int = 48000, level: float = LEVEL) -> Wave:
    """Return one row for each channel."""
    at = np.arange(round(seconds * rate)) / rate
    return np.stack([level * np.sin(2 * np.pi * PITCHES[number % 8] * at) for number in range(channels)])


def write_sound(
    path: Path,
    samples: Wave,
    layout: str,
    *,
    rate: int = 48000,
    codec: str = "pcm_s16le",
    form: str = "s16",
    options: Mapping[str, str] | None = None,
    bit_rate: int | None = None,
) -> Path:
    """Write samples with PyAV, in the container that the name of the file says."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=dict(options or {}))
        assert isinstance(stream, AudioStream)
        stream.layout = stream.codec_context.layout = layout
        if bit_rate:
            stream.codec_context.bit_rate = bit_rate
        stream.codec_context.format = form
        stream.codec_context.open()
        step = stream.codec_context.frame_size or 1024
        for start in range(0, samples.shape[1], step):
            part = samples[:, start : start + step]
            frame = av.AudioFrame.from_ndarray(_as(part, form), format=form, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_plain_wav(path: Path, samples: Wave, rate: int = 48000) -> Path:
    """Write a WAV of 16 bits without a channel mask: channels have no labels."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(len(samples))
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(_as(samples, "s16").tobytes())
    return path


def _as(samples: Wave, form: str) -> npt.NDArray[Any]:
    if form.startswith("s16"):
        found: npt.NDArray[Any] = np.rint(samples * 32767).astype(np.int16)
    else:
        found = samples.astype(np.float32)
    return np.ascontiguousarray(found) if form.endswith("p") else found.T.reshape(1, -1).copy()


def read_sound(source: Path | bytes) -> Wave:
    """Decode the first audio stream; one row for each channel."""
    with av.open(str(source) if isinstance(source, Path) else io.BytesIO(source), "r") as container:
        resampler = av.AudioResampler(format="fltp")
        parts = [
            part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]  # fmt: skip
    return np.concatenate(parts, axis=1).astype(np.float64)


def tone_levels(samples: Wave, pitches: Sequence[int], rate: int = 48000, level: float = LEVEL) -> Wave:
    """Return factors, by which each tone (column) is louder in each channel (row) than it was written.

    By correlation with sine and cosine over the middle of the sound, a whole number of periods of each pitch.
    """
    span = samples.shape[1] // 2 // (rate // 50) * (rate // 50)  # pitches are multiples of 50 Hz
    begin = (samples.shape[1] - span) // 2
    part = samples[:, begin : begin + span]
    at = np.arange(span) / rate
    found = [
        np.abs(part @ np.exp(-2j * np.pi * pitch * at)) * 2 / span / level for pitch in pitches
    ]  # fmt: skip
    return np.stack(found, axis=1)


def write_film(path: Path, sounds: Sequence[Path], seconds: float, *more: str, size: str = "214x120") -> Path:
    """Write moving pictures with some sound files as they are, by the ffmpeg command.

    Args:
        path: What to write.
        sounds: One audio track each.
        seconds: Of pictures.
        more: Further arguments, such as metadata.
        size: Of the pictures.
    """
    inputs = [part for sound in sounds for part in ("-i", str(sound))]
    maps = [part for number in range(len(sounds) + 1) for part in ("-map", str(number))]
    pictures = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "copy"]
    command = ["ffmpeg", "-v", "error", "-y", *pictures, *inputs, *maps, *coded, *more, str(path)]
    subprocess.run(command, check=True)
    return path
