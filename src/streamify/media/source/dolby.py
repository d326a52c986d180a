"""Dolby Vision whose base layer cannot be watched on its own is refused where its pictures lack their metadata."""

from __future__ import annotations

from typing import BinaryIO

from streamify.errors import SourceError
from streamify.mp4.boxes import BoxError
from streamify.mp4.description import visual_entries
from streamify.mp4.movie import read_layout

UNSPECIFIED = 2
"""Transfer characteristics (ITU-T H.273)."""


def refuse_dolby_vision(file: BinaryIO, size: int, key: str, *, track: int | None, tag: str, transfer: int) -> None:
    """Refuse profiles 5, and 10 without a compatible layer, of pictures that come without metadata (RPU).

    Args:
        file: The source.
        size: Of the source, bytes.
        key: Its name, for the message.
        track: Id of the video track where the source is an MP4 or MOV, else ``None``.
        tag: Four-character code that the container gives the video.
        transfer: Transfer characteristics of its first picture.

    Raises:
        SourceError: ``dolby-vision-unsupported``.
    """
    profile = _incompatible_profile(file, size, track) if track is not None else None
    if profile is not None:
        raise _refusal(key, f"profile {profile}")
    if tag in ("dvh1", "dvhe", "dav1") and transfer == UNSPECIFIED:
        raise _refusal(key, f"({tag})")


def _incompatible_profile(file: BinaryIO, size: int, track: int) -> int | None:
    """Read DOVIDecoderConfigurationRecord (Dolby Vision Streams Within the ISO Base Media File Format, 3.2)."""
    try:
        entries = visual_entries(file, read_layout(file, size), track)
    except BoxError:
        return None  # damaged boxes: FFmpeg's reading decides whether the file can be used
    for entry in entries:
        for kind in (b"dvcC", b"dvvC"):
            record = entry.boxes.get(kind, b"")
            if len(record) >= 5:
                profile, compatible = record[2] >> 1, record[4] >> 4
                if profile in (5, 10) and compatible == 0:
                    return profile
    return None


def _refusal(key: str, what: str) -> SourceError:
    return SourceError(
        "dolby-vision-unsupported",
        f"{key} is Dolby Vision {what} without a compatible base layer, and its pictures come without their metadata",
        "export it anew with its metadata (RPU), or as HDR10, HLG or SDR: pictures would come out green and purple",
    )
