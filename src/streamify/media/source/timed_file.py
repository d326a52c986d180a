"""A file whose reader has a limited time: FFmpeg's time for some headers grows with the square of their size."""

from __future__ import annotations

import time
from typing import BinaryIO

from streamify.media.source.metadata import too_complex

REMUX = "remux it, without its tags: ffmpeg -i SOURCE -map_metadata -1 -c copy OUT.mkv"
"""What leaves most of the headers out, whichever they are."""

PACKET = 0.001
"""CPU seconds that each packet adds; reading one takes some hundredth of it."""


class TimedFile:
    """A file that seems to end once this thread has used its CPU seconds; `check` then tells.

    Args:
        file: Readable and seekable.
        seconds: From now on.
    """

    def __init__(self, file: BinaryIO, seconds: int) -> None:
        self._file, self._seconds = file, seconds
        self._until: float | None = time.thread_time() + seconds
        self._late = False
        self.tell, self.seek, self.seekable = file.tell, file.seek, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read, or return nothing."""
        if self._until is not None and time.thread_time() > self._until:
            self._late = True
        return b"" if self._late else self._file.read(size)

    def gave(self) -> None:
        """Take note of a packet that was read."""
        if self._until is not None:
            self._until += PACKET

    def check(self, doing: str) -> None:
        """End the time that is counted.

        Args:
            doing: What was done in it, such as "open".

        Raises:
            SourceError: ``source-too-complex``, it took too long.
        """
        self._until = None
        if self._late:
            raise too_complex(f"it takes FFmpeg more than {self._seconds} s of CPU time to {doing} it", REMUX)
