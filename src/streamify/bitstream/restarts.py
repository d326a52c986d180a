"""Where a clock starts anew behind a recording too short for one time to tell that from jitter and reorder. Pure.

Times of decoding fall by a single picture's length where recordings of a picture were joined, and by as little where
timestamps jitter. What tells them apart: a recording begins with a keyframe, nothing behind it is shown before it, and
the clock stays behind: all that follows is a picture's length behind where it would be, or more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from streamify.bitstream.packets import NONE, Packets

WINDOW = 24
"""Most pictures on either side that are looked at."""
LEAST = 0.75
"""Pictures by which a clock must stay behind."""
EVEN = 0.8
"""Share of pictures that are as far apart as usual where the usual distance says where the next one is."""
NOISE = 4
"""How many times more the clock must stay behind than times of decoding fall elsewhere."""
SELDOM = 500
"""Pictures of which one may have such a time in a stream whose clock is otherwise even."""


def short_restarts(packets: Packets, raw: Sequence[int], wild: set[int], far: int) -> set[int]:
    """Return the packets at which the clock starts anew although it falls by less than `far` ticks.

    Args:
        packets: All of the stream.
        raw: When each is decoded, ticks; `NONE`: not known.
        wild: Those whose times do not count.
        far: Fall by which a time of decoding tells by itself.
    """
    numbers = [at for at, time in enumerate(raw) if time != NONE and at not in wild and packets.shows(at)]
    times = [packets.pts[at] if packets.pts[at] != NONE else raw[at] for at in numbers]
    noise = _noise_of_all(packets, numbers, far)
    suspects = list(_suspects(packets, raw, numbers, times, far))
    found = set[int]()
    since = 0
    for place, (at, alone) in enumerate(suspects):
        if alone:
            since = at
            continue
        until = suspects[place + 1][0] if place + 1 < len(suspects) else len(numbers)
        before, after = times[max(since, at - WINDOW) : at], times[at : min(until, at + WINDOW)]
        nearby = max(_falls(packets, numbers[max(0, at - WINDOW) : at + WINDOW], far), default=0)
        if _behind(before, after) > NOISE * max(noise, nearby):
            found.add(numbers[at])
            since = at
    return found


def _suspects(
    packets: Packets, raw: Sequence[int], numbers: Sequence[int], times: Sequence[int], far: int
) -> Iterator[tuple[int, bool]]:
    """Yield keyframes that are shown no later than a picture before them, and falls that tell by themselves."""
    latest: int | None = None
    for at, number in enumerate(numbers):
        if latest is not None:
            if raw[number] - raw[numbers[at - 1]] < -far:
                yield at, True
                latest = None
            elif packets.keys[number] and times[at] <= latest:
                yield at, False
                latest = None
        latest = times[at] if latest is None else max(latest, times[at])


def _behind(before: Sequence[int], after: Sequence[int]) -> float:
    """Return by how many ticks a clock stays behind; 0 where that is less than `LEAST` pictures.

    Args:
        before: When some pictures in a row are shown.
        after: Those behind them.
    """
    before, after = sorted(before), sorted(after)
    gaps = sorted(two - one for part in (before, after) for one, two in pairwise(part))
    if not gaps:
        return 1  # two recordings of one picture
    pace: float = median(gaps)
    if sum(abs(gap - pace) * 4 <= pace for gap in gaps) < EVEN * len(gaps):
        pace = sum(gaps) / len(gaps)
    due = median(time + (len(before) - place) * pace for place, time in enumerate(before))
    begun = median(time - place * pace for place, time in enumerate(after))
    if before[-1] - due > WINDOW * pace:
        return 0  # a time far ahead is off by itself, and leaves a place in front of the keyframe
    return due - begun if due - begun > LEAST * pace else 0


def _noise_of_all(packets: Packets, numbers: Sequence[int], far: int) -> int:
    """Return by how much most pictures are not decoded when they evenly would be, ticks.

    That counts where times fall more than once in a while although nothing can begin there, and where all is a
    keyframe, so that anything can begin anywhere.
    """
    falls = sum(1 for _ in _falls(packets, numbers, far))
    if falls * SELDOM <= len(numbers) and not all(packets.keys[number] for number in numbers):
        return 0
    known = [packets.dts[number] for number in numbers if packets.dts[number] != NONE]
    gaps = [two - one for one, two in pairwise(known) if two > one]
    usual = median(gaps) if gaps else 0
    off = sorted(round(abs(gap - usual)) for gap in gaps)
    return off[len(off) * 9 // 10] if off else 0


def _falls(packets: Packets, numbers: Sequence[int], far: int) -> Iterator[int]:
    """Yield by how much times of decoding fall, but for keyframes and falls that tell by themselves."""
    known = [number for number in numbers if packets.dts[number] != NONE]
    for one, two in pairwise(known):
        fall = packets.dts[one] - packets.dts[two]
        if 0 < fall <= far and not packets.keys[two]:
            yield fall
