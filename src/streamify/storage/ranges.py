"""A file object over range requests, which asks for more the longer it is read in order."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

READ_AHEAD = 256 * 1024
"""Bytes that one request asks for at least: a task reads a few megabytes, and nothing of its neighbours'."""
LONGEST = 8 << 20
"""Bytes that one request asks for at most. A request waits some 20 ms, so small ones would read 10 MB/s."""
SHARE = 8
"""A request asks for this part of what was read in order before it, so that at most so much is read in vain."""


class Positioned(io.RawIOBase):
    """A file of a known size that can be read from any place: where the next read begins, and nothing of its bytes.

    Args:
        size: Bytes.
    """

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; nothing is asked for."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at


class RangeFile(Positioned):
    """See the module; wrapped into a `io.BufferedReader` of `READ_AHEAD` bytes by whoever opens it.

    Args:
        read: Returns the bytes from a start to an end, exclusive.
        size: Of the object, bytes.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        super().__init__(size)
        self._read = read
        self._held, self._held_at = b"", 0
        self._run = 0

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as there are bytes; one request at most."""
        view = memoryview(buffer).cast("B")
        if self._at >= self._size:
            return 0
        if not self._held_at <= self._at < self._held_at + len(self._held):
            self._fetch(len(view))
        begin = self._at - self._held_at
        data = self._held[begin : begin + len(view)]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _fetch(self, wanted: int) -> None:
        in_order = self._at == self._held_at + len(self._held)
        self._run = self._run + len(self._held) if in_order else 0
        length = max(wanted, min(LONGEST, self._run // SHARE))
        self._held_at = self._at
        self._held = self._read(self._at, min(self._at + length, self._size))
