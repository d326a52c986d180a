"""Sound of another codec behind sound without a container: FFmpeg reads none of it, or takes it for damage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import BinaryIO

from streamify.bitstream.sound import adts, mpeg_audio
from streamify.media.source.mixed import mixed

LOOKS = 8
"""Places at which frames of another codec are looked for."""
HOLE = 1024
"""Bytes between two packets from which on frames are looked for in them."""
REACH = 256 << 10
"""Bytes in which they are looked for: a tag with a picture may be in front of them."""
RUN = 8
"""Frames that follow each other: no other bytes look like them."""
RATES = {
    (3, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kbit/s of MPEG-1's layers 2 and 3, and of both in MPEG-2 (ISO/IEC 11172-3, 2.4.2.3; 13818-3, 2.4.2.3)."""


def refuse_other_links(
    file: BinaryIO, size: int, format_name: str, positions: Sequence[int], sizes: Sequence[int], sums: Sequence[int]
) -> None:
    """Refuse a source in which sound of another codec begins.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        format_name: Of its container.
        positions: Byte offset of each packet of sound; -1: not known.
        sizes: Of each of them, bytes.
        sums: How many samples the packets in front of each of them hold, and all of them.

    Raises:
        SourceError: ``source-joined``.
    """
    if format_name in _OTHERS:
        codec, name, length = _OTHERS[format_name]
        for place in sorted({*_unread(positions, sizes, sums, size)}):
            file.seek(place)
            if (at := _run(bytes(file.read(REACH)), length)) is not None:
                raise mixed(f"its sound is {codec}, and {name} from byte {place + at} on")


def _unread(positions: Sequence[int], sizes: Sequence[int], sums: Sequence[int], size: int) -> Iterator[int]:
    """Yield some places from which on nothing is read, or nothing that sounds."""
    packets = [one for one in zip(positions, sizes, pairwise(sums), strict=True) if one[0] >= 0]
    silent = [place for place, _, (before, after) in packets if before == after]
    if silent:
        yield from (silent[number * (len(silent) - 1) // (LOOKS - 1)] for number in range(LOOKS))
    ends = [place + length for place, length, _ in packets]
    begins = [*(place for place, _, _ in packets[1:]), size]
    yield from islice((end for end, begin in zip(ends, begins, strict=True) if begin - end > HOLE), LOOKS)


def _run(data: bytes, length: Callable[[bytes], int]) -> int | None:
    """Return where some frames follow each other; ``None``: nowhere."""
    for sync in re.finditer(rb"\xff(?=[\xe0-\xff])", data):
        at, count = sync.start(), 0
        while count < RUN and (step := length(data[at : at + 7])):
            at, count = at + step, count + 1
        if count == RUN:
            return sync.start()
    return None


def _adts_length(head: bytes) -> int:
    """Return the bytes of an ADTS frame (ISO/IEC 14496-3, 1.A.2.2); 0: it is none."""
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if adts(head) is not None else 0


def _mpeg_length(head: bytes) -> int:
    """Return the bytes of a frame of MPEG audio, layer 2 or 3 (ISO/IEC 11172-3, 2.4.3.1); 0: it is none."""
    found = mpeg_audio(head)
    if found is None:
        return 0
    version, layer, index = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 4
    rates = RATES[(3, layer) if version == 3 else (2, 2)] if layer > 1 else ()
    if not 0 < index < len(rates):
        return 0
    return found.samples // 8 * 1000 * rates[index] // found.rate + (head[2] >> 1 & 1)


_OTHERS: dict[str, tuple[str, str, Callable[[bytes], int]]] = {
    "aac": ("AAC", "MPEG audio", _mpeg_length),
    "mp3": ("MPEG audio", "AAC", _adts_length),
}
"""By container: its codec, the other one, and what tells the length of a frame of that."""
