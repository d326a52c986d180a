"""The index of a file's video stream, as split reads it."""

from __future__ import annotations

from typing import BinaryIO

from streamify.media.source.beginning import read_beginning
from streamify.media.source.index import read_index
from streamify.media.source.opening import open_media
from streamify.media.source.video_index import VideoIndex


def index_of(file: BinaryIO, size: int, stream: int = 0) -> VideoIndex:
    """Open `file` of `size` bytes and read the index of video stream `stream`."""
    with open_media(file) as container:
        beginning = read_beginning(container, stream)
    return read_index(file, size, beginning)
