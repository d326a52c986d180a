"""Sources that claim more than they can hold, or more than anything honest does, are refused before the work begins."""

from __future__ import annotations

from streamify.errors import SourceError, counted
from streamify.model.limits import (
    AUDIO_TRACKS,
    CHANNELS,
    FASTEST_SOUND,
    OVERLAP,
    PICTURE_PIXELS,
    PICTURES,
    SLOWEST_SOUND,
    STREAMS,
)

SMALL = 1 << 20
"""Bytes that even a tiny file may claim: containers may hold packets compressed."""

FEWER = "take out one of each kind: ffmpeg -max_streams 100000 -i SOURCE -c copy OUT.mkv"


def refuse_streams(streams: int, audio: int) -> None:
    """Refuse a source with more streams than are looked at, or more sound than is offered.

    Raises:
        SourceError: ``source-too-many-streams``.
    """
    if streams > STREAMS:
        raise SourceError(
            "source-too-many-streams",
            f"it holds {streams} streams; the limit is {STREAMS}",
            FEWER,
        )
    if audio > AUDIO_TRACKS:
        raise SourceError(
            "source-too-many-streams",
            f"it holds {audio} audio tracks; the limit is {AUDIO_TRACKS}",
            FEWER,
        )


def refuse_size(width: int, height: int) -> None:
    """Refuse giant pictures before one of them is decoded.

    Raises:
        SourceError: ``source-too-large-pictures``.
    """
    if width * height > PICTURE_PIXELS:
        raise SourceError(
            "source-too-large-pictures",
            f"its pictures have {width}x{height} pixels; the limit is {PICTURE_PIXELS / 1e6:.0f} million",
            "scale them down: ffmpeg -i SOURCE -vf scale=7680:-2 OUT.mp4",
        )


def refuse_sound(stream: int, rate: int, channels: int) -> None:
    """Refuse sound that nobody could record: a rate of 1 Hz makes hours of a few bytes.

    Args:
        stream: Its number, for the message.
        rate: Samples per second; 0: not known yet.
        channels: How many.

    Raises:
        SourceError: ``source-claims-too-much``.
    """
    if rate and not SLOWEST_SOUND <= rate <= FASTEST_SOUND:
        span = f"sound has {SLOWEST_SOUND} to {FASTEST_SOUND}"
        raise claims_too_much(f"audio stream {stream} claims {rate} samples per second; {span}")
    if channels > CHANNELS:
        raise claims_too_much(f"audio stream {stream} claims {channels} channels; the limit is {CHANNELS}")


def refuse_claims(pictures: int, claimed: int, size: int) -> None:
    """Refuse an index that names more pictures than there can be, or the same bytes again and again.

    Args:
        pictures: How many it names.
        claimed: Bytes of all of them.
        size: Of the file, bytes.

    Raises:
        SourceError: ``source-too-many-pictures`` or ``source-claims-too-much``.
    """
    if pictures > PICTURES:
        raise SourceError(
            "source-too-many-pictures",
            f"it names more than {PICTURES} pictures",
            "cut it into parts: ffmpeg -i SOURCE -c copy -f segment -segment_time 36000 OUT%d.mkv",
        )
    if claimed > OVERLAP * size + SMALL:
        raise claims_too_much(
            f"it claims {counted(pictures, 'picture')} of {claimed} bytes in all, and has {size} bytes"
        )


def claims_too_much(what: str) -> SourceError:
    """Return the error for an index that cannot be true."""
    hint = "its headers are damaged or made to deceive: copy or upload it again from the original"
    return SourceError("source-claims-too-much", what, hint)
