"""Whether an MP4's index says which samples are pictures and when they are shown, without reading the whole file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from operator import le
from typing import BinaryIO

from streamify.bitstream.base import Coded, Reader
from streamify.bitstream.readers import INTRA, knows, reader
from streamify.mp4.index import Mp4Index

STRETCHES = 4
"""Runs of samples that are looked at where the index gives no composition times."""
STRETCH = 24
"""Samples in each."""
STRETCH_BYTES = 4 << 20
SMALLEST = 8
"""Smallest samples that are looked at."""
SMALL = 64
"""Bytes below which a sample may hold no picture."""


@dataclass(frozen=True)
class Codec:
    """What reads a stream's bitstream."""

    name: str
    extradata: bytes

    def reader(self) -> Reader:
        """Return a new reader."""
        return reader(self.name, self.extradata)


def doubt(file: BinaryIO, index: Mp4Index, codec: Codec, start: Sequence[Sequence[Coded]]) -> str | None:
    """Return why the file is to be read from end to end before its index is believed, or ``None``.

    Args:
        file: The source.
        index: Its index.
        codec: Of the track.
        start: What its first samples hold.
    """
    if not knows(codec.name) or codec.name in INTRA:
        return None
    if any(not coded or coded[0].second for coded in start):
        return "samples without a picture of their own"
    for data in _smallest(file, index):
        if not codec.reader().read(data):
            return "small samples without a picture"
    if not _composed(index) and len(index.samples.keys) < len(index.samples) and codec.reader().reorders is not False:
        for stretch in _stretches(file, index):
            bitstream = codec.reader()
            orders = [(one.sequence, one.order) for data in stretch for one in bitstream.read(data)]
            if orders != sorted(orders):
                return "pictures are reordered, and the index gives only the times of their decoding"
    return None


def _composed(index: Mp4Index) -> bool:
    """Whether any sample is shown before one that is decoded earlier."""
    pts = index.samples.pts
    return not (isinstance(pts, range) or all(map(le, pts, islice(pts, 1, None))))


def _smallest(file: BinaryIO, index: Mp4Index) -> Iterator[bytes]:
    sizes = index.samples.sizes
    if min(sizes) >= SMALL:
        return
    small = [number for number, size in enumerate(sizes) if 0 < size < SMALL]
    for number in nsmallest(SMALLEST, small, key=sizes.__getitem__):
        file.seek(index.offset(number))
        yield bytes(file.read(sizes[number]))


def _stretches(file: BinaryIO, index: Mp4Index) -> Iterator[list[bytes]]:
    samples = index.samples
    keys = samples.keys
    for number in sorted({keys[step * (len(keys) - 1) // (STRETCHES - 1)] for step in range(STRETCHES)}):
        found, read = [], 0
        for sample in range(number, min(number + STRETCH, len(samples))):
            read += samples.sizes[sample]
            if read > STRETCH_BYTES:
                break
            file.seek(index.offset(sample))
            found.append(bytes(file.read(samples.sizes[sample])))
        yield found
