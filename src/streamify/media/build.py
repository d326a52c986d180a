"""Which codec build makes the bytes."""

from __future__ import annotations

import platform
from pathlib import Path

import av
from av.codec import Codec
from av.codec.codec import UnknownCodecError

NEEDED = ("libx264", "aac")
"""Encoders without which nothing can be made."""
_BYTES = ("libavutil", "libavcodec", "libavformat", "libavfilter", "libswscale", "libswresample")
"""Libraries that can change bytes; libavdevice cannot."""


def codec_build() -> str:
    """Return one line that names the exact build: PyAV, FFmpeg, its libraries, x264 as the wheel has it, the machine.

    Another kind of processor may make other bytes: it gets other track folders, and no job mixes two.
    """
    parts = [f"PyAV {av.__version__}", f"FFmpeg {av.ffmpeg_version_info}"]
    parts += [f"{name} {'.'.join(map(str, av.library_versions[name]))}" for name in _BYTES]
    return ", ".join([*parts, _x264(), platform.machine()])


def encoders() -> dict[str, bool]:
    """Return each needed encoder and whether this build has it."""
    return {name: _has(name) for name in NEEDED}


def _has(name: str) -> bool:
    try:
        Codec(name, "w")
    except UnknownCodecError:
        return False
    return True


def _x264() -> str:
    """Return the file name of the wheel's x264: auditwheel puts a hash of the library into it."""
    found = sorted(Path(av.__file__).parents[1].glob("av.libs/libx264-*"))
    return found[0].name if found else "libx264 of the system"
