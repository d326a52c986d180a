"""Runs of samples in fragments are counted before FFmpeg makes room for them: 20 bytes can claim any number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from streamify.media.source.plausible import SMALL, claims_too_much
from streamify.media.source.timed_file import TimedFile
from streamify.model.limits import OPEN_SECONDS
from streamify.mp4.boxes import HEADER, Box, BoxError, header


def refuse_runs(file: BinaryIO, size: int) -> None:
    """Refuse fragments (ISO/IEC 14496-12, 8.8.8) that claim more samples than the file has bytes.

    Args:
        file: The source, positioned anywhere.
        size: Of the source, bytes.

    Raises:
        SourceError: ``source-claims-too-much``; ``source-too-complex``, it has so many boxes that reading their
            headers takes too long.
    """
    timed = TimedFile(file, OPEN_SECONDS)
    total, limit = 0, max(SMALL, size)
    for count in _runs(timed, size):
        timed.gave()
        total += count
        if total > limit:
            raise claims_too_much(f"its fragments claim {total} samples or more, and it has {size} bytes")
    timed.check("open")


def _runs(file: TimedFile, size: int) -> Iterator[int]:
    for moof in _boxes(file, b"moof", 0, size):
        for traf in _boxes(file, b"traf", moof.body, moof.end):
            for trun in _boxes(file, b"trun", traf.body, traf.end):
                file.seek(trun.body + 4)
                yield int.from_bytes(file.read(4))


def _boxes(file: TimedFile, kind: bytes, at: int, end: int) -> Iterator[Box]:
    """Yield the boxes of a kind that lie side by side, up to one that is damaged, as FFmpeg reads them.

    A box that reaches past the end of the one around it ends there.

    Args:
        file: The source.
        kind: Of the boxes.
        at: Offset of the first box of any kind.
        end: Of the box around them.
    """
    with suppress(BoxError):
        while at + HEADER <= end:
            file.seek(at)
            box = header(file.read(16), 0, end - at)
            begin, body, at = at, at + box.body, min(at + box.end, end)
            if box.kind == kind:
                yield Box(kind, begin, body, at)
