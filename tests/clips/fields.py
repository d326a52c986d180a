"""Interlaced films whose fields can be told apart: a bright bar moves by `STEP` pixels from field to field."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, STEP = 320, 192, 4
BAR = 24
"""Pixels that the bar is wide."""
ACROSS = WIDTH - BAR


def bar_at(field: int) -> int:
    """Return where the bar's left edge is in a field."""
    return field * STEP % ACROSS


def moments(count: int) -> bytes:
    """Return pictures of single moments, one a field, as grey and then chroma planes."""
    found = []
    for field in range(count):
        picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        picture[:HEIGHT] = 60
        picture[:HEIGHT, bar_at(field) : bar_at(field) + BAR] = 200
        found.append(picture.tobytes())
    return b"".join(found)


def film(out: Path, pictures: int, filters: str, *options: str, rate: str = "50") -> Path:
    """Make a film from ``moments`` by the system's FFmpeg: `filters` weave fields, `options` encode."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-r", rate, "-i", "pipe:", "-vf", filters, *options, str(out)]
    subprocess.run([item for item in command if item != "-nostdin"], input=moments(pictures), check=True, timeout=60)
    return out


def bars(path: Path, size: tuple[int, int]) -> list[float]:
    """Return where the bar's left edge is in every picture that the system's FFmpeg decodes, in pixels of `WIDTH`."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough"]
    command += ["-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    width, height = size
    luma = np.frombuffer(data, np.uint8).reshape(-1, height * 3 // 2, width)[:, :height]
    return [_edge(picture) * WIDTH / width for picture in luma]


def _edge(picture: npt.NDArray[np.uint8]) -> float:
    rows = picture[picture.shape[0] // 4 : picture.shape[0] * 3 // 4].mean(axis=0)
    bright = np.nonzero(rows > 130)[0]
    return float(bright[0]) if len(bright) else -1.0


def comb(path: Path, size: tuple[int, int]) -> float:
    """Return how much odd and even rows differ beside each other, in the worst picture."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough"]
    command += ["-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    width, height = size
    luma = np.frombuffer(data, np.uint8).reshape(-1, height * 3 // 2, width)[:, :height].astype(np.int16)
    middle = luma[:, 1:-1] * 2 - luma[:, :-2] - luma[:, 2:]
    return float(np.abs(middle[:, 8:-8]).mean(axis=(1, 2)).max())


def close(found: Sequence[float], wanted: Sequence[float], slack: float = 1.6) -> bool:
    """Whether bars are where they are to be."""
    return len(found) == len(wanted) and all(abs(one - two) <= slack for one, two in zip(found, wanted, strict=True))
