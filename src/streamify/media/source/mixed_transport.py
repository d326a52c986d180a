"""Transport streams whose tables say midway that pictures or sound are of another codec, which FFmpeg goes on to decode
as the first one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import BinaryIO

from streamify.media.source.mixed import mixed
from streamify.media.source.transport import SYNC, types_before

CODECS = {
    0x01: "MPEG-2", 0x02: "MPEG-2", 0x10: "MPEG-4", 0x1B: "H.264", 0x24: "HEVC", 0x33: "VVC", 0x42: "AVS",
    0xD1: "Dirac", 0xEA: "VC-1",
}  # fmt: skip
"""Of pictures by stream type (ISO/IEC 13818-1, table 2-34); MPEG-1 and MPEG-2 have one decoder."""
SOUND = {0x03: "MPEG audio", 0x04: "MPEG audio", 0x0F: "AAC", 0x11: "AAC in LATM", 0x81: "AC-3", 0x87: "AC-3"}
"""Of sound by stream type; FFmpeg's decoders of AC-3 and E-AC-3 read both. Private data (6) may be of any."""
LOOKS = 8
"""Packets at which tables are looked for, spread over those that hold no picture, or no sound that can be read."""
LEADS = (0, 4)
"""Bytes from where FFmpeg says that a packet is to its first byte."""


def refuse_other_codec(file: BinaryIO, positions: Sequence[int], counted: bytes) -> None:
    """Refuse a transport stream whose pictures are of another codec from some place on.

    Pictures of another codec are none for the reader of the first one: tables are read where packets have none.

    Args:
        file: The source; its position is moved.
        positions: Byte offset of each packet of the pictures; -1: not known.
        counted: How many pictures begin in each of them.

    Raises:
        SourceError: ``source-joined``.
    """
    places = [place for place, pictures in zip(positions, counted, strict=True) if place >= 0 and not pictures]
    _refuse_other(file, positions, places, CODECS, "its pictures are")


def refuse_other_sound(file: BinaryIO, positions: Sequence[int], sums: Sequence[int]) -> None:
    """Refuse a transport stream of which a stream of sound is of another codec from some place on.

    Sound of another codec is none for the reader of the first one: tables are read where packets have none.

    Args:
        file: The source; its position is moved.
        positions: Byte offset of each packet of the stream; -1: not known.
        sums: How many samples the packets in front of each of them hold, and all of them.

    Raises:
        SourceError: ``source-joined``.
    """
    held = pairwise(sums)
    unread = [at for at, (before, after) in zip(positions, held, strict=True) if at >= 0 and before == after]
    _refuse_other(file, positions, unread, SOUND, "a stream of its sound is")


def _refuse_other(
    file: BinaryIO, positions: Sequence[int], places: Sequence[int], codecs: Mapping[int, str], what: str
) -> None:
    if not places:
        return
    known = sorted({place for place in positions if place >= 0})
    first = _codec(file, known[0], codecs)
    looks = {places[number * (len(places) - 1) // (LOOKS - 1)] for number in range(LOOKS)} if first else set()
    before = known[0]
    for place in sorted(looks):
        codec = _codec(file, place, codecs)
        if codec not in ("", first):
            where = _first_of(file, known, before, place, codecs)
            raise mixed(f"{what} {first}, and {codec} from byte {where} on")
        before = place


def _first_of(file: BinaryIO, places: Sequence[int], before: int, after: int, codecs: Mapping[int, str]) -> int:
    """Return the first of some places between two that has the codec of the latter."""
    wanted = _codec(file, after, codecs)
    low, high = bisect_left(places, before), bisect_left(places, after)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _codec(file, places[middle], codecs) == wanted else (middle, high)
    return places[high]


def _codec(file: BinaryIO, place: int, codecs: Mapping[int, str]) -> str:
    """Return the codec of a packet by the tables in front of it, or else behind it; empty: they do not say."""
    file.seek(place)
    head = bytes(file.read(8))
    lead = next((one for one in LEADS if head[one : one + 1] == bytes([SYNC])), None)
    if lead is None or len(head) < lead + 3:
        return ""
    pid = (head[lead + 1] & 0x1F) << 8 | head[lead + 2]
    return codecs.get(types_before(file, place + lead).get(pid, -1), "")
