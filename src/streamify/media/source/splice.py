"""A virtual file: pieces of a source and literal bytes, laid end to end."""

from __future__ import annotations

import io
from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO, cast

from streamify.model.plan import Inline, Range, Splice


def opened(file: BinaryIO, part: Splice | None) -> BinaryIO:
    """Return a file of a part of another, or that one where there is no part."""
    return file if part is None else cast("BinaryIO", SplicedFile(part, file))


READAHEAD = 32 * 1024
"""Bytes fetched at least, where the piece has them: FFmpeg also probes in reads of a few bytes."""


class SplicedFile(io.RawIOBase):
    """Readable and seekable view of a splice.

    Args:
        splice: What to show.
        source: File object of the whole source; stays open.
    """

    def __init__(self, splice: Splice, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._pieces: list[bytes | Range] = [
            piece.bytes if isinstance(piece, Inline) else piece for piece in splice.pieces
        ]
        lengths = [piece.length if isinstance(piece, Range) else len(piece) for piece in self._pieces]
        self._starts = list(accumulate(lengths, initial=0))
        self._at = 0
        self._block = b""
        self._block_at = 0
        self.bytes_read = 0
        """Bytes fetched from the source so far."""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be sought in."""
        return True

    def tell(self) -> int:
        """Return the position, bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move and return the new position, bytes."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end; all that is left where `size` is negative."""
        left = max(0, self._starts[-1] - self._at)
        want = left if size is None or size < 0 else min(size, left)
        parts = []
        while want:
            part = self._read_piece(want)
            if not part:
                break  # the source is shorter than the plan says; FFmpeg sees an early end and the task reports it
            parts.append(part)
            self._at += len(part)
            want -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer` and return the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read_piece(self, want: int) -> bytes:
        number = bisect_right(self._starts, self._at) - 1
        piece, inside = self._pieces[number], self._at - self._starts[number]
        if isinstance(piece, bytes):
            return piece[inside : inside + want]
        offset, want = piece.offset + inside, min(want, piece.length - inside)
        skip = offset - self._block_at
        if not 0 <= skip < len(self._block):
            self._source.seek(offset)
            self._block = bytes(self._source.read(min(max(want, READAHEAD), piece.length - inside)))
            self._block_at, skip = offset, 0
            self.bytes_read += len(self._block)
        return self._block[skip : skip + want]
