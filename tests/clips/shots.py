"""Small grey pictures of a film by the system's FFmpeg: which of the source's pictures does a stream show, and when?"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 64, 36
Shots = npt.NDArray[np.int16]

NEAR = 12.0
"""Mean difference of grey levels up to which two small pictures show the same."""


def shots(path: Path) -> Shots:
    """Return every picture that FFmpeg decodes, in its order, none doubled and none left out."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough"]
    command += ["-vf", f"scale={WIDTH}:{HEIGHT}:flags=area,format=gray", "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, HEIGHT, WIDTH).astype(np.int16)


@dataclass(frozen=True)
class Matched:
    """Which pictures of a source a stream shows."""

    numbers: tuple[int, ...]
    """Of each picture of the stream: number of the picture of the source that it is most like, near its place."""
    worst: float
    """Largest mean difference of grey levels to that picture."""


def match(ours: Shots, theirs: Shots, reach: int = 3) -> Matched:
    """Compare pictures with those of the source near their place."""
    numbers, worst = [], 0.0
    for number, shot in enumerate(ours):
        first = max(0, min(number, len(theirs) - 1) - reach)
        differences = [float(np.abs(shot - other).mean()) for other in theirs[first : number + reach + 1]]
        own = differences[number - first] if number - first < len(differences) else min(differences)
        best = min(differences)
        # Where a film stands still all are equal: then the own place counts.
        numbers.append(number if own <= best + 0.05 else first + differences.index(best))
        worst = max(worst, best)
    return Matched(tuple(numbers), worst)


def shown_times(path: Path) -> list[float]:
    """Return when ffprobe says that each picture is shown, by its best guess, seconds from the first."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time"]
    done = subprocess.run([*command, "-of", "json", str(path)], capture_output=True, timeout=120, check=True)
    times = [float(one["best_effort_timestamp_time"]) for one in json.loads(done.stdout)["frames"]]
    return [time - times[0] for time in times]
