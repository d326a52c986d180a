"""What a video stream promises: by its container's index, or by a scan where there is none that can be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from streamify.media.source.beginning import VideoStart
from streamify.media.source.doubt import doubt
from streamify.media.source.indexed import from_mp4, from_parts, parse_index
from streamify.media.source.scanned import from_scan
from streamify.media.source.video_index import VideoIndex
from streamify.model.source import Note
from streamify.mp4.tables import SamplesBeyondError


def read_index(
    file: BinaryIO, size: int, seen: VideoStart, max_scan: int | None = None, sound: Sequence[int] = ()
) -> VideoIndex:
    """Read the index of a video stream of a source of `size` bytes, or scan it where there is none.

    Where there is none, sources of more than `max_scan` bytes are refused, and the packets of the audio streams `sound`
    are counted.

    Raises:
        SourceError: It cannot be opened, is encrypted, without timestamps, or has no pictures.
    """
    notes: list[Note] = []
    torn = False
    if seen.witness is not None:
        try:
            index = parse_index(file, size, seen, seen.witness, notes)
        except SamplesBeyondError as error:
            index, torn = None, True
            notes.append(Note(kind="damaged", what="the index was not used and the file was scanned", why=str(error)))
        # What FFmpeg reads of a sample that is cut off is not in the index, so that a scan would count another one.
        if index is not None and index.lost:
            torn = doubt(file, index, seen.codec, seen.start.coded) is not None
        if index is not None and not torn and not index.edit.parts:
            return from_mp4(file, size, index, seen, max_scan, notes)
        if index is not None and not torn and (found_parts := from_parts(file, size, index, seen, notes)) is not None:
            return found_parts
    return from_scan(file, size, seen, max_scan, sound, notes, torn=torn)
