"""All codecs, and which of them a name, a sample entry or a codecs string means."""

from __future__ import annotations

from typing import Final

from streamify.codecs.aac import Aac
from streamify.codecs.ac3 import Ac3, Eac3
from streamify.codecs.base import AudioCodec, CodecError, VideoCodec
from streamify.codecs.h264 import H264
from streamify.mp4.description import sample_entry

VIDEO: Final[tuple[VideoCodec, ...]] = (H264(),)
AUDIO: Final[tuple[AudioCodec, ...]] = (Aac(), Ac3(), Eac3())


def video_codec(name: str) -> VideoCodec:
    """Return the video codec of a recipe."""
    return next(codec for codec in VIDEO if codec.name == name)


def audio_codec(name: str) -> AudioCodec:
    """Return the audio codec of a recipe."""
    return next(codec for codec in AUDIO if codec.name == name)


def audio_codec_of(codecs: str) -> AudioCodec | None:
    """Return the audio codec that an RFC 6381 string of one of our tracks means; ``None``: none of ours."""
    kind = codecs.partition(".")[0].encode()
    return next((codec for codec in AUDIO if kind in codec.entries), None)


def codecs_string(init: bytes) -> str:
    """Return the RFC 6381 codecs string of an init segment with one track.

    Raises:
        CodecError: Its codec is none of ours.
        BoxError: The bytes are damaged.
    """
    entry = sample_entry(init)
    for codec in (*VIDEO, *AUDIO):
        if entry.kind in codec.entries:
            return codec.rfc6381(entry)
    known = ", ".join(kind.decode() for codec in (*VIDEO, *AUDIO) for kind in codec.entries)
    raise CodecError(f"sample entry {entry.kind.decode('latin-1')!r} is none of {known}")
