"""Edit lists with several parts (ISO/IEC 14496-12, 8.6.6): the samples to decode, part by part, and when each is shown.

FFmpeg's reading of such lists doubles or loses pictures. So the track is taken without its list, and laid out anew as a
track whose samples stand in the order of the parts, each part from the keyframe before it on.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from streamify.model.limits import PICTURES
from streamify.mp4.index import HiddenError, Mp4Index, Shown
from streamify.mp4.samples import Samples
from streamify.mp4.tables import Chunks, TooManySamplesError


@dataclass(frozen=True)
class Arranged:
    """A track in the order of its edit list."""

    index: Mp4Index
    """Samples of all parts one after the other; times only count them."""
    samples: Samples
    """The same, with the times at which they are shown; those that are not have one of their part."""
    times: tuple[int | None, ...]
    """When each is shown, ticks; ``None``: never."""
    firsts: tuple[int, ...]
    """First sample of each part."""
    shown: array[int]
    """Sorted times."""
    end: int
    """End of the last picture, ticks."""
    parts: tuple[Shown, ...]
    """What is shown; ends in front of a picture that would be shown for less than a tick of the edit list."""
    hidden: int
    """Samples of the track that no part shows."""


def arrange(index: Mp4Index) -> Arranged:
    """Lay out a track by its edit list.

    Raises:
        HiddenError: No part shows anything.
        TooManySamplesError: Parts repeat too many.
    """
    composed = list(index.samples.pts)
    order = sorted(range(len(composed)), key=composed.__getitem__)
    sorted_times = [composed[number] for number in order]
    taken, times, clipped = array("q"), list[int | None](), array("q")
    keys, firsts, parts, shown = array("q"), list[int](), list[Shown](), array("q")
    end = 0
    for part in index.edit.parts:
        first, stop = bisect_left(sorted_times, part.begin), bisect_left(sorted_times, part.end)
        # Lengths count in the ticks of the movie: the rest of a picture below one of them is rounding, where it is less
        # than half of the picture.
        rest = part.end - sorted_times[stop - 1] if stop - first > 1 else part.tick
        if rest < part.tick and 2 * rest < _lasting(sorted_times, stop - 1):
            stop -= 1
        numbers = order[first:stop]
        if not numbers:
            continue
        start = _start(index.samples.keys, composed, min(numbers), part.begin)
        last = max(numbers)
        if len(taken) + last + 1 - start > PICTURES:
            raise TooManySamplesError(f"the edit list shows more than {PICTURES} samples")
        until = part.end if stop == len(order) else min(part.end, sorted_times[stop])
        shift, among = part.at - part.begin, set(numbers)
        low, high = sorted_times[first] + shift, sorted_times[stop - 1] + shift
        firsts.append(len(taken))
        place = bisect_left(index.samples.keys, start)
        keys.extend(key - start + len(taken) for key in _up_to(index.samples.keys, place, last))
        if not keys or keys[-1] < firsts[-1]:
            keys.append(firsts[-1])
        taken.extend(range(start, last + 1))
        for number in range(start, last + 1):
            at = composed[number] + shift
            times.append(at if number in among else None)
            clipped.append(min(max(at, low), high))
        shown.extend(dict.fromkeys(sorted_times[at] + shift for at in range(first, stop)))
        parts.append(replace(part, end=until))
        end = min(high + max(index.durations[order[stop - 1]], 1), part.end + shift)
    if not shown:
        begin = min((part.begin for part in index.edit.parts), default=0)
        raise HiddenError(*(time / index.timescale for time in (begin, sorted_times[0], sorted_times[-1])))
    return Arranged(
        _track(index, taken, keys),
        Samples(clipped, range(len(taken)), _picked(index.samples.sizes, taken), keys),
        tuple(times),
        tuple(firsts),
        shown,
        end,
        tuple(parts),
        len(composed) - len({number for number, time in zip(taken, times, strict=True) if time is not None}),
    )


def _lasting(times: Sequence[int], place: int) -> int:
    """Return how long a picture lasts: to the next one, or as long as the one before it."""
    return times[place + 1] - times[place] if place + 1 < len(times) else times[place] - times[place - 1]


def _start(keys: Sequence[int], composed: Sequence[int], first: int, begin: int) -> int:
    """Return the last keyframe at or before a sample that is composed at or before a time; else the first sample."""
    place = bisect_right(keys, first) - 1
    while place >= 0 and composed[keys[place]] > begin:
        place -= 1
    return keys[place] if place >= 0 else 0


def _up_to(keys: Sequence[int], place: int, last: int) -> Sequence[int]:
    return keys[place : bisect_right(keys, last)]


def _picked(values: Sequence[int], taken: Sequence[int]) -> array[int]:
    return array("I", map(values.__getitem__, taken))


def _track(index: Mp4Index, taken: array[int], keys: array[int]) -> Mp4Index:
    """Return a track of some samples, each a chunk of its own and a tick long."""
    count = len(taken)
    sizes = _picked(index.samples.sizes, taken)
    counting = range(count)
    chunks = Chunks(array("Q", map(index.offset, taken)), [0, count], [0], [1])
    return replace(
        index,
        samples=Samples(counting, counting, sizes, keys),
        durations=array("I", [1]) * count,
        offsets=None,
        delay=0,
        chunks=chunks,
        ends=chunks.ends(sizes),
        shown=counting,
        duplicates=0,
    )
