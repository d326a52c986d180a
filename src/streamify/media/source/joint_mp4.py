"""Where another fragmented MP4 begins in one: with a moov of its own."""

from __future__ import annotations

from typing import BinaryIO

BOXES = 1_000_000
"""Boxes of a file that are looked at, at most."""


class FragmentJoints:
    """Says whether a recording begins between two packets of pictures; asked in the order of the file.

    Args:
        file: The source; its position is moved.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        """Byte where the next box begins that was not looked at."""
        self._type: int | None = None
        """Where the file type is that stands in front of that."""
        self.looked = 0
        """Boxes that were looked at."""

    def begins_at(self, before: int, position: int) -> int | None:
        """Return where the recording begins whose first picture is at `position`, and the one before it at `before`."""
        moov: int | None = None
        while self._at < position and self.looked < BOXES:
            self.looked += 1
            kind, size = self._box()
            if kind == b"ftyp":
                self._type = self._at
            elif kind == b"moov" and self._at > before:
                moov = self._at if self._type is None else self._type
            if kind != b"ftyp":
                self._type = None
            if size < 8:
                self.looked = BOXES  # what is behind it is no box
            self._at += size
        return moov if moov is not None and moov > before else None

    def _box(self) -> tuple[bytes, int]:
        self._file.seek(self._at)
        head = bytes(self._file.read(16))
        size = int.from_bytes(head[:4])
        return head[4:8], int.from_bytes(head[8:16]) if size == 1 else size
