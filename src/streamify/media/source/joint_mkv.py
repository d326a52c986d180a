"""Where another Matroska or WebM file begins in one: with a header, a segment and a first cluster of its own."""

from __future__ import annotations

from typing import BinaryIO

from streamify.media.source.ebml import CLUSTER, EBML, SEGMENT, element
from streamify.mp4.boxes import BoxError

CHUNK = 1 << 20
"""Bytes looked through at once."""
ELEMENTS = 64
"""Elements in front of the first cluster of a recording, at most."""
LOOKS = 2000
"""Places looked at in a file, at most: one byte in four billion looks like a header, in hostile files one in four."""
DOC_TYPES = (b"\x42\x82\x88matroska", b"\x42\x82\x84webm")


class MatroskaJoints:
    """Says whether a recording begins between two packets of pictures; asked in the order of the file.

    Args:
        file: The source; its position is moved.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.looked = 0
        """Places that were looked at."""

    def begins_at(self, before: int, position: int) -> int | None:
        """Return where the recording begins whose first picture is at `position`, and the one before it at `before`."""
        mark = EBML.to_bytes(4)
        for start in range(before, position, CHUNK):
            self._file.seek(start)
            data = bytes(self._file.read(min(CHUNK + len(mark) - 1, position - start)))
            at = data.find(mark)
            while at >= 0 and self.looked < LOOKS:
                self.looked += 1
                if self._begins(start + at, position):
                    return start + at
                at = data.find(mark, at + 1)
        return None

    def _begins(self, at: int, position: int) -> bool:
        try:
            _, body, end = element(self._file, at, position)
            self._file.seek(body)
            header = bytes(self._file.read(max(0, min(end - body, 256))))
            kind, place, _ = element(self._file, end, position)
            if kind != SEGMENT or not any(name in header for name in DOC_TYPES):
                return False
            for _ in range(ELEMENTS):
                self._file.seek(place)
                if place >= position or bytes(self._file.read(4)) == CLUSTER.to_bytes(4):
                    return place < position
                _, _, place = element(self._file, place, position)
        except BoxError:
            pass  # bytes that look like a header
        return False
