"""How the samples of an MP4's video track are coded, by its description."""

from __future__ import annotations

from typing import BinaryIO

from streamify.mp4.boxes import BoxError
from streamify.mp4.description import visual_entries
from streamify.mp4.movie import read_layout


def entry_kinds(file: BinaryIO, size: int, track: int) -> tuple[str, ...]:
    """Return the kinds of the sample entries, each once; none where they cannot be read.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.
        track: Id of the track.
    """
    try:
        entries = visual_entries(file, read_layout(file, size), track)
    except BoxError:
        return ()
    return tuple(dict.fromkeys(one.kind.decode("ascii", "replace") for one in entries))
