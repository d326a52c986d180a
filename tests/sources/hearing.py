"""Listening to a finished stream, as the system's FFmpeg decodes it: how high a tone is, how loud, and for how long."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clips.sound import Sound, decode_audio_ffmpeg
from streamify.model.report import Report

WINDOW = 0.25
"""Seconds over which a tone is measured."""
QUIET = 1e-4
"""Power below which a window counts as silent (-40 dB)."""


def heard(report: Report, dest: Path, number: int = 0) -> Sound:
    """Decode an audio track of a stream."""
    track = [one for one in report.tracks if one.kind == "audio"][number]
    return decode_audio_ffmpeg(dest, track.folder)


def tones(sound: Sound) -> list[tuple[float, float]]:
    """Return time and frequency of each window; 0 Hz where it is silent."""
    count = int(sound.rate * WINDOW)
    found = []
    for first in range(0, len(sound.samples) - count + 1, count):
        part = sound.samples[first : first + count]
        time = float(sound.start) + first / sound.rate
        if float(np.mean(part**2)) < QUIET:
            found.append((time, 0.0))
            continue
        strength = np.abs(np.fft.rfft(part * np.hanning(count), 8 * count))
        found.append((time, float(np.argmax(strength)) / (8 * WINDOW)))
    return found


def silent(sound: Sound) -> float:
    """Return how many seconds are silent."""
    return sum(WINDOW for _, tone in tones(sound) if not tone)
