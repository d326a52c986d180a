"""Steps of a transport stream's packet counters: which of them cost something, and which are only a join."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from streamify.bitstream.clock import Timed
from streamify.bitstream.packets import NONE

BEHIND = 3
"""Packets behind a flagged one within which the step is: parsers give a picture out when the next one begins."""
CHECKED = 500
"""Flagged packets that are looked at: a source with more of them is damaged."""
READ = 8 << 20
"""Bytes read at most for one of them."""
WIDTHS = (188, 192, 204)
"""Bytes of a packet: plain, with a time code before it (M2TS), with error correction behind it."""


@dataclass(frozen=True)
class Step:
    """A place where a PID's counter does not go on."""

    position: int
    """Of the packet behind it."""
    whole: bool
    """Whether a unit ends in front of it and another begins behind it."""


def joins(
    file: BinaryIO, corrupt: tuple[int, ...], positions: array[int], dts: Sequence[int], timed: Timed
) -> dict[int, int]:
    """Return which of the flagged packets are whole, with the first packet behind the step that they were flagged for.

    FFmpeg flags what it was reading when a counter stepped (ISO/IEC 13818-1, 2.4.3.3). Recordings and segments that
    were joined step at the border of two units, where the clock starts anew, goes on to the next picture, or repeats.

    Args:
        file: A transport stream.
        corrupt: Numbers of the flagged packets.
        positions: Byte offset of each packet.
        dts: Decode time of each packet.
        timed: What was made of their times.
    """
    breaks = {one.packet for one in timed.breaks}
    found: dict[int, int] = {}
    for number in corrupt[:CHECKED]:
        last = min(number + BEHIND, len(positions) - 1)
        steps = list(_steps(file, positions[number], positions[last])) if positions[number] >= 0 else []
        if steps and all(one.whole and _goes_on(one.position, positions, dts, timed, breaks) for one in steps):
            found[number] = bisect_left(positions, steps[0].position)
    return found


def _goes_on(position: int, positions: array[int], dts: Sequence[int], timed: Timed, breaks: set[int]) -> bool:
    """Whether no picture is missing in front of the packet at a byte offset."""
    number = bisect_left(positions, position)
    if not 0 < number < len(positions) or positions[number] != position:
        return False
    if number in breaks or {number - 1, number} & timed.repeated:
        return True
    before, after = dts[number - 1], dts[number]
    return NONE not in (before, after) and 0 < after - before <= Fraction(3, 2) * max(timed.step, 1)


def _steps(file: BinaryIO, start: int, last: int) -> Iterator[Step]:
    """Yield the steps between two packets of a PID, the last one included; one that is not whole for an error."""
    if last < start:
        yield Step(start, whole=False)
        return
    file.seek(start)
    data = bytes(file.read(min(last - start + WIDTHS[-1], READ)))
    offset, width = _layout(data)
    if not width or last - start >= READ:
        yield Step(start, whole=False)
        return
    pid = _pid(data, offset)
    counter: int | None = None
    filled = False
    for at in range(offset, len(data) - 187, width):
        if data[at] != 0x47 or (_pid(data, at) == pid and data[at + 1] & 0x80):
            yield Step(start + at - offset, whole=False)  # transport_error_indicator, or no packet
            return
        if _pid(data, at) != pid or not data[at + 3] & 0x10:
            continue
        count, begins = data[at + 3] & 15, bool(data[at + 1] & 0x40)
        announced = data[at + 3] & 0x20 and data[at + 4] and data[at + 5] & 0x80  # discontinuity_indicator
        if counter is not None and count != (counter + 1) & 15 and not announced:
            yield Step(start + at - offset, whole=begins and filled)
        counter, filled = count, _stuffed(data, at)


def _layout(data: bytes) -> tuple[int, int]:
    """Return where the first packet's sync byte is, and how far packets are apart; 0: these are none."""
    for width in WIDTHS:
        for offset in (0, 4):
            if all(data[at] == 0x47 for at in range(offset, min(len(data), 4 * width), width)) and len(data) > width:
                return offset, width
    return 0, 0


def _pid(data: bytes, at: int) -> int:
    return (data[at + 1] & 0x1F) << 8 | data[at + 2]


def _stuffed(data: bytes, at: int) -> bool:
    """Whether a packet is filled up behind its fields, as the last one of a unit is (2.4.3.5)."""
    if not data[at + 3] & 0x20:
        return False
    length = data[at + 4]
    if not length:
        return True
    flags, used = data[at + 5], 1
    used += 6 * bool(flags & 0x10) + 6 * bool(flags & 0x08) + bool(flags & 0x04)
    if flags & 0x02 and at + 5 + used < len(data):
        used += 1 + data[at + 5 + used]
    if flags & 0x01 and at + 5 + used < len(data):
        used += 1 + data[at + 5 + used]
    return length > used
