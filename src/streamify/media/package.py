"""From what FFmpeg's muxer writes to CMAF: init segment and media segment, each in its place in time."""

from __future__ import annotations

from dataclasses import dataclass

from streamify.mp4.boxes import box, boxes
from streamify.mp4.fragments import Fragment, fragments, retime

SEGMENT_TYPE = box(b"styp", b"msdh", b"\0\0\0\0", b"msdhmsixcmfs")
"""Segment type before each media segment (ISO/IEC 23000-19, 7.3.3.1)."""


@dataclass(frozen=True)
class Packaged:
    """An init segment and a media segment."""

    init: bytes
    media: bytes
    fragments: tuple[Fragment, ...]


def split_muxed(data: bytes, start: int, sequence: int, profile: bytes) -> Packaged:
    """Split what the muxer wrote into init and media, and move the media from time 0 to its place.

    Every segment is muxed as if it were the first, so that all init segments are equal; time and fragment numbers
    are then set in place (ISO/IEC 14496-12, 8.8.5 and 8.8.12). The muxer writes neither CMAF's structural brand nor
    that of the media profile (ISO/IEC 23000-19, 7.2).

    Args:
        data: The muxed file.
        start: Ticks to move it by.
        sequence: Number of the first fragment.
        profile: Brand of the media profile, or ``b""``.
    """
    parts = {part.kind: data[part.start : part.end] for part in boxes(data) if part.kind == b"moov"}
    body = bytearray(SEGMENT_TYPE)
    for part in boxes(data):
        if part.kind in (b"moof", b"mdat"):
            body += data[part.start : part.end]
    file_type = box(b"ftyp", b"cmfc", b"\0\0\0\0", b"iso6cmfcmp41", profile)
    retime(body, start, sequence)
    return Packaged(file_type + parts[b"moov"], bytes(body), fragments(body))
