"""The packets of a video stream in decode order, as arrays, and what follows from them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, islice
from operator import le

from streamify.mp4.composition import Composed

BLOCK = 32
"""Packets of which only the earliest presentation time is kept beside the times themselves."""

MAX_ENTRIES = 4
BACK_SECONDS = 30
BACK_SAMPLES = 1500
"""How much further back than the nearest keyframe the other entry points may lie."""


@dataclass(frozen=True)
class Samples:
    """A stream's packets in decode order; all times are source ticks as FFmpeg reports them."""

    pts: Sequence[int]
    dts: Sequence[int]
    sizes: array[int]
    """Bytes."""
    keys: Sequence[int]
    """Indexes of the keyframes, ascending; never empty where `pts` is not."""

    def __len__(self) -> int:
        return len(self.pts)

    def is_key(self, number: int) -> bool:
        """Return whether a packet is a keyframe."""
        return bool(self.keys_between(number, number))

    def keys_between(self, first: int, last: int) -> Sequence[int]:
        """Return the keyframes among packets `first` to `last`, both included."""
        return self.keys[bisect_left(self.keys, first) : bisect_right(self.keys, last)]


class Order:
    """Answers which packets a window of presentation time needs.

    Args:
        samples: All packets, those that show nothing included.
        promised: Presentation times of all pictures, sorted and distinct.
        time_base: Seconds per tick.
    """

    def __init__(self, samples: Samples, promised: Sequence[int], time_base: Fraction) -> None:
        self.samples = samples
        self._promised = promised
        self._back = int(BACK_SECONDS / time_base)
        self._rising = _rising(samples.pts)
        self._key_pts, self._key_numbers = _by_time(samples, rising=self._rising)

    @cached_property
    def _least(self) -> Sequence[int]:
        """The earliest presentation time from the first packet of each block on, which is sorted."""
        pts = self.samples.pts
        blocks = [min(pts[start : start + BLOCK]) for start in range(0, len(pts), BLOCK)]
        return list(accumulate(reversed(blocks), min))[::-1]

    def _until(self, time: int) -> int:
        """Return the number of packets up to the last one that shows anything before `time`, however deep the order."""
        pts = self.samples.pts
        if self._rising:
            return bisect_left(pts, time)
        if isinstance(pts, Composed):
            return pts.until(time)
        block = bisect_left(self._least, time)
        stop = min(block * BLOCK, len(pts))
        while stop and pts[stop - 1] >= time:
            stop -= 1
        return stop

    def entries(self, start: int) -> tuple[int, ...]:
        """Return the packets where decoding for `start` may begin, nearest first."""
        place = bisect_right(self._key_pts, start)
        if not place:
            return (0,)
        found: list[int] = []
        for at in range(place - 1, max(-1, place - 1 - MAX_ENTRIES), -1):
            number = self._key_numbers[at]
            if found and (
                self._key_pts[place - 1] - self._key_pts[at] > self._back or found[0] - number > BACK_SAMPLES
            ):
                break
            if not found or number < found[-1]:
                found.append(number)
        return tuple(found)

    def keyframes(self, count: int) -> tuple[int, ...]:
        """Return up to `count` keyframes, evenly spread from the first to the last at which a window can begin."""
        last = bisect_right(self._key_pts, self._promised[-1]) - 1
        first = max(bisect_right(self._key_pts, self._promised[0]) - 1, 0)
        places = {first + step * (last - first) // (count - 1) for step in range(count)} if last >= first else {0}
        return tuple(sorted(self._key_numbers[place] for place in places))

    def key_times(self, start: int, end: int) -> Sequence[int]:
        """Return when the keyframes in ``[start, end)`` are shown; where there is none, the last one before `start`."""
        first, stop = bisect_left(self._key_pts, start), bisect_left(self._key_pts, end)
        return self._key_pts[first:stop] if stop > first else self._key_pts[max(0, first - 1) : first]

    def weight(self, start: int, end: int | None) -> int:
        """Return about how many bytes the packets shown in ``[start, end)`` have."""
        first = self._until(start)
        stop = len(self.samples) if end is None else self._until(end)
        return sum(self.samples.sizes[first:stop])

    def preroll(self, start: int) -> int:
        """Return how many packets are decoded to reach `start` from the nearest entry."""
        return max(0, self._until(start) - self.entries(start)[0])

    def last(self, end: int | None) -> int:
        """Return the last packet that pictures before `end`, and the two after them, need."""
        if end is None:
            pts, latest = self.samples.pts, self._promised[-1]
            return next((number for number in range(len(pts) - 1, 0, -1) if pts[number] <= latest), 0)
        place = min(bisect_left(self._promised, end) + 1, len(self._promised) - 1)
        return max(self._until(self._promised[place] + 1) - 1, 0)


def _by_time(samples: Samples, *, rising: bool) -> tuple[Sequence[int], Sequence[int]]:
    """Return presentation time and number of each keyframe, in order of time; `rising`: all packets are."""
    every = len(samples.keys) == len(samples)
    times = samples.pts if every else [samples.pts[number] for number in samples.keys]
    if rising or _rising(times):
        return times, samples.keys
    pairs = sorted(zip(times, samples.keys, strict=True))
    return [time for time, _ in pairs], [number for _, number in pairs]


def _rising(times: Sequence[int]) -> bool:
    return isinstance(times, range) or all(map(le, times, islice(times, 1, None)))
