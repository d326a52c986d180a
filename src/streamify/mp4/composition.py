"""Composition times of an MP4 track: a million of them are judged as bytes, because each is costly as a number."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from typing import overload

MAX_VALUES = 32
"""Distinct offsets; those of a stream with a constant rate are few."""

MAX_REACH = 64
"""Pictures between the least and the greatest offset; H.264 and HEVC reorder 16 at most."""


class Composed(Sequence[int]):
    """Decode times plus composition offsets (ISO/IEC 14496-12, 8.6.1.3), added when they are asked for.

    Args:
        base: Decode times, ticks, ascending.
        offsets: From each of them to its composition time, ticks.
        least: The least offset; the greatest is at most `MAX_REACH` steps of `base` larger.
    """

    def __init__(self, base: Sequence[int], offsets: array[int], least: int) -> None:
        self._base = base
        self._offsets = offsets
        self._least = least

    def __len__(self) -> int:
        return len(self._base)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> list[int]: ...
    def __getitem__(self, at: int | slice) -> int | list[int]:
        """Return one time, or a list of them."""
        if isinstance(at, slice):
            return list(map(add, self._base[at], self._offsets[at]))
        return self._base[at] + self._offsets[at]

    def __iter__(self) -> Iterator[int]:
        return map(add, self._base, self._offsets)

    def until(self, time: int) -> int:
        """Return the number of samples up to the last one that is composed before `time`, ticks."""
        stop = bisect_left(self._base, time - self._least)
        while stop and self[stop - 1] >= time:
            stop -= 1
        return stop


def coded(numbers: array[int]) -> tuple[bytes, dict[int, int]] | None:
    """Return a code of one byte for each number, and the number of each code; ``None`` where too many differ.

    One place of the numbers serves as the code where it tells all of the others.
    """
    raw, width = numbers.tobytes(), numbers.itemsize
    places = [raw[place::width] for place in range(width)]
    for codes in places:
        firsts = _firsts(codes)
        told = (bytes(place[firsts[code]] if code in firsts else 0 for code in range(256)) for place in places)
        if firsts and all(codes.translate(table) == place for table, place in zip(told, places, strict=True)):
            return codes, {code: numbers[first] for code, first in firsts.items()}
    return None


def _firsts(codes: bytes) -> dict[int, int]:
    """Return where each code is first; nothing where there are too many."""
    left, found = codes, dict[int, int]()
    while left and len(found) < MAX_VALUES:
        found[left[0]] = codes.index(left[0])
        left = left.translate(None, left[:1])
    return {} if left else found


def evenly(base: range, codes: bytes, offsets: Mapping[int, int]) -> range | None:
    """Return the composition times in order where they are evenly spread like the decode times, each there once.

    Args:
        base: Decode times, ticks.
        codes: One for each of them.
        offsets: Of each code, ticks.
    """
    least = min(offsets.values())
    if any((offset - least) % base.step for offset in offsets.values()):
        return None
    ranks = {code: (offset - least) // base.step for code, offset in offsets.items()}
    reach = max(ranks.values())
    if reach > MAX_REACH:
        return None
    # How many samples have each rank: one byte for each rank, all added up at once as one large number.
    counts = 0
    for code, rank in ranks.items():
        marks = codes.translate(bytes(other == code for other in range(256)))
        counts += int.from_bytes(marks, "little") << 8 * rank
    held = counts.to_bytes(len(codes) + reach, "little")
    before = len(held) - len(held.lstrip(b"\0"))
    if held[before:].rstrip(b"\0") != b"\1" * len(codes):
        return None
    start = base.start + least + before * base.step
    return range(start, start + len(codes) * base.step, base.step)
