"""Golden hashes: the bytes of a clip whose pictures are arithmetic. ``python tests/e2e/golden.py`` writes them anew.

Video only: FFmpeg's AAC encoder computes in floating point and gives other bytes on other processors (recipes.md).
"""

from __future__ import annotations

import json
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import streamify
from e2e.driving import media, rungs
from streamify.media.build import codec_build
from streamify.model.plan import MEDIA_VERSION
from streamify.model.settings import Preset

FILE = Path(__file__).with_name("golden.json")
SIZE = (214, 120)
PICTURES = 50
PRESETS: tuple[Preset, ...] = ("medium", "balanced", "eco", "quality")
"""One of x264, and each of our own."""


def arithmetic_clip(path: Path) -> Path:
    """Write a lossless clip: what a decoder gives is what stands here, with any build of any decoder."""
    width, height = SIZE
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    with av.open(str(path), "w", format="matroska") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(PICTURES):
            luma = ((x * 3 + y * 5 + number * 7) ^ ((x // 8 + number) * (y // 8 + 3))) % 220 + 16
            chroma = [((x[::2, ::2] * k + y[::2, ::2] + number * 3) % 160) + 48 for k in (1, 2)]
            rows = [luma.ravel(), chroma[0].ravel(), chroma[1].ravel()]
            plane = np.concatenate(rows).astype(np.uint8).reshape(height * 3 // 2, width)
            frame = av.VideoFrame.from_ndarray(plane, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def golden(folder: Path) -> dict[str, Any]:
    """Return what this machine makes of the clip by rung and file, without the hash in the folder's name."""
    clip = arithmetic_clip(folder / "arithmetic.mkv")
    files = {}
    for preset in PRESETS:
        streamify.transcode(clip, folder / preset, engine="inline", preset=preset, ladder=rungs(120, 90),
                            segment_seconds=1, keyframe_seconds="1/2")  # fmt: skip
        for name, sha in media(folder / preset).items():
            files[f"{preset}/{name.split('/')[1].split('-')[0]}/{Path(name).name}"] = sha
    return {"media_version": MEDIA_VERSION, "codec_build": codec_build(), "files": dict(sorted(files.items()))}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        FILE.write_text(json.dumps(golden(Path(scratch)), indent=1) + "\n")
