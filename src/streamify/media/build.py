"""Which codec build makes the bytes."""

from __future__ import annotations

import platform
from pathlib import Path

import av
from av.codec import Codec
from av.codec.codec import UnknownCodecError

from streamify.codecs.registry import AUDIO, VIDEO

_BYTES = ("libavutil", "libavcodec", "libavformat", "libavfilter", "libswscale", "libswresample")
"""Libraries that can change bytes; libavdevice cannot."""


def codec_build() -> str:
    """Return one line that names the exact build: PyAV, FFmpeg and its libraries, the wheel's encoders, the machine.

    Another kind of processor may make other bytes: it gets other track folders, and no job mixes two.
    """
    parts = [f"PyAV {av.__version__}", f"FFmpeg {av.ffmpeg_version_info}"]
    parts += [f"{name} {'.'.join(map(str, av.library_versions[name]))}" for name in _BYTES]
    libraries = [_file(codec.library) for codec in (*VIDEO, *AUDIO) if codec.library is not None]
    return ", ".join([*parts, *libraries, platform.machine()])


def encoders() -> dict[str, bool]:
    """Return each needed encoder and whether this build has it."""
    return {codec.encoder: _has(codec.encoder) for codec in (*VIDEO, *AUDIO)}


def _has(name: str) -> bool:
    try:
        Codec(name, "w")
    except UnknownCodecError:
        return False
    return True


def _file(library: str) -> str:
    """Return the file name of an encoder's library in the wheel: auditwheel puts a hash of its content into it."""
    found = sorted(Path(av.__file__).parents[1].glob(f"av.libs/{library}-*"))
    return found[0].name if found else f"{library} of the system"
