"""Lengths of Vorbis packets: which of two block sizes each mode has stands at the end of the setup header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Vorbis:
    """What is needed of a stream's headers (Vorbis I specification, 4.2)."""

    rate: int
    channels: int
    blocks: tuple[int, int]
    """Samples of a short and of a long block."""
    modes: Sequence[bool]
    """Of each mode: whether its blocks are long."""

    @classmethod
    def of(cls, extradata: bytes) -> Vorbis | None:
        """Read the three headers as Matroska and FFmpeg lace them; ``None`` where they are none."""
        headers = laced(extradata)
        if headers is None or len(headers[0]) < 30 or headers[0][1:7] != b"vorbis":
            return None
        first, setup = headers[0], headers[2]
        modes = _modes(setup)
        rate = int.from_bytes(first[12:16], "little")
        if not modes or not rate:
            return None
        return cls(rate, first[11], (1 << (first[28] & 15), 1 << (first[28] >> 4)), modes)

    def block(self, packet: bytes) -> int:
        """Return the samples of a packet's block; 0: it is a header, or damaged."""
        if not packet or packet[0] & 1:
            return 0
        mode = packet[0] >> 1 & (1 << (len(self.modes) - 1).bit_length()) - 1
        return self.blocks[self.modes[mode]] if mode < len(self.modes) else 0


class Lengths:
    """Counts the samples that packets add, taken in order: a quarter of a block and of the one before (1.3.2)."""

    def __init__(self, stream: Vorbis) -> None:
        self._stream = stream
        self._before = 0

    def samples(self, packet: bytes) -> int:
        """Return the samples that come out with a packet; none with the first."""
        before, self._before = self._before, self._stream.block(packet) or self._before
        return (before + self._before) // 4 if before and self._stream.block(packet) else 0


def laced(extradata: bytes) -> list[bytes] | None:
    """Return the three headers of Vorbis or Theora as Matroska and FFmpeg lace them; ``None`` where they are none."""
    if len(extradata) < 3 or extradata[0] != 2:
        return None
    at, sizes = 1, []
    for _ in range(2):
        size = 0
        while at < len(extradata) and extradata[at] == 255:
            size, at = size + 255, at + 1
        if at >= len(extradata):
            return None
        sizes.append(size + extradata[at])
        at += 1
    first, second = at + sizes[0], at + sum(sizes)
    return [extradata[at:first], extradata[first:second], extradata[second:]]


def _modes(setup: bytes) -> tuple[bool, ...]:
    """Read the modes from the end of the setup header (4.2.4), as what is before them cannot be skipped over.

    A mode has 41 bits: block flag, window type (16 bits of 0), transform type (16 bits of 0), mapping (6 bits at most
    are used). Their number, less one, is in the 6 bits before the first.
    """
    value, size = int.from_bytes(setup, "little"), 8 * len(setup)
    if not value:
        return ()
    end = value.bit_length() - 1  # the framing bit
    found: list[bool] = []
    best: tuple[bool, ...] = ()
    at = min(end, size)
    while at >= 41 + 6 and len(found) < 64:
        at -= 41
        mode = value >> at & (1 << 41) - 1
        if mode >> 33 > 63 or mode >> 1 & 0xFFFFFFFF:
            break
        found.insert(0, bool(mode & 1))
        if (value >> at - 6 & 63) + 1 == len(found):
            best = tuple(found)
    return best
