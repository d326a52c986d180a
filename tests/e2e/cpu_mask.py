"""Transcodes as a lesser processor would: ``python cpu_mask.py FLAGS ASM SOURCE DEST PRESET``. In a process of its own.

FLAGS are FFmpeg's (``av_force_cpu_flags``: its decoders and its scaler obey); ASM is x264's, which detects for itself.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import av

import streamify
from e2e.driving import rungs
from streamify.codecs.h264 import H264
from streamify.model.recipe import VideoRecipe

OPTIONS = H264.options


def lesser(codec: H264, recipe: VideoRecipe, timescale: int) -> dict[str, str]:
    """Return the options of a rendition, and x264 kept to some instruction sets."""
    options = OPTIONS(codec, recipe, timescale)
    return options | {"x264-params": f"{options['x264-params']}:asm={sys.argv[2]}"}


if __name__ == "__main__":
    found = sorted(Path(av.__file__).parents[1].glob("av.libs/libavutil-*"))
    util = ctypes.CDLL(str(found[0]))  # the one that PyAV has loaded
    util.av_get_cpu_flags.restype = ctypes.c_int
    util.av_force_cpu_flags(int(sys.argv[1]))
    assert util.av_get_cpu_flags() == int(sys.argv[1])
    setattr(H264, "options", lesser)  # noqa: B010 - mypy refuses the plain assignment
    ladder = rungs(480, 240)
    settings: Any = {"segment_seconds": "1/2", "keyframe_seconds": "1/2", "preset": sys.argv[5]}
    streamify.transcode(sys.argv[3], sys.argv[4], engine="inline", ladder=ladder, **settings)
