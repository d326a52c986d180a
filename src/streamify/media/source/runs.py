"""Runs of samples in fragments are counted before FFmpeg makes room for them: 20 bytes can claim any number."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from streamify.media.source.gaps import FRAGMENTS
from streamify.media.source.plausible import SMALL, claims_too_much
from streamify.mp4.boxes import BoxError, find, well_formed
from streamify.mp4.movie import read_layout

LARGEST = 1 << 20
"""Bytes of a fragment's header that are looked at; that of a run that names its samples grows with them."""


def refuse_runs(file: BinaryIO, size: int) -> None:
    """Refuse fragments (ISO/IEC 14496-12, 8.8.8) that claim more samples than the file has bytes.

    Args:
        file: The source, positioned anywhere.
        size: Of the source, bytes.

    Raises:
        SourceError: ``source-claims-too-much``.
    """
    total, limit = 0, max(SMALL, size)
    for count in _runs(file, size):
        total += count
        if total > limit:
            raise claims_too_much(f"its fragments claim {total} samples or more, and it has {size} bytes")


def _runs(file: BinaryIO, size: int) -> Iterator[int]:
    try:
        moofs = [box for box in read_layout(file, size).boxes if box.kind == b"moof"]
    except BoxError:
        return  # no boxes, or damaged: FFmpeg says of what it can make anything
    for moof in moofs[:FRAGMENTS]:
        file.seek(moof.body)
        try:
            yield from _counts(bytes(file.read(min(moof.end - moof.body, LARGEST))))
        except BoxError:
            continue


@well_formed()
def _counts(data: bytes) -> list[int]:
    return [struct.unpack_from(">I", data, trun.body + 4)[0] for trun in find(data, "traf/trun")]
