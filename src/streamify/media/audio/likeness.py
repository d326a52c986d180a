"""Does a track hold the sound of its source, each stretch at its time and level? Judged by correlation. Pure.

Stretches of the source, each with the time that its container gives it, are looked for in the track near that time.
Both are narrow: stereo at `RATE`, without what lies near 0 Hz. Codecs keep the waveform of what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import accumulate
from math import isfinite, log10, sqrt
from operator import mul
from statistics import median

RATE = 8000
"""Samples per second that are compared."""
STRETCH = RATE // 4
"""Samples of each channel that are looked for at a time."""
WIDE = RATE
"""Samples by which sound may be off for its fault to say by how much."""
LIKE = 0.5
"""Correlation from which on two stretches are the same sound."""
SURE = 0.85
"""Correlation from which on no better place is looked for."""
MIX = 0.9
"""Median correlation below which channels are mixed otherwise. Of honest tracks it is 0.998 and more, of tones whose
clock drifts 0.92."""
SEVERAL = 8
"""Stretches from which on it counts."""
NEAR = 0.02
"""Seconds by which sound may be off."""
UNSURE = 0.15
"""Seconds by which the times of neighbouring packets may differ; beyond it, there is a gap or an overlap, at which the
track may go on a little earlier or later."""
LOUD, QUIET = -50.0, -60.0
"""dBFS from which on a stretch is heard, and up to which it counts as silent."""
FALL = 25.0
"""dB below the source from which on a stretch counts as silent."""
OFF = 6.0
"""dB by which the level may be off."""
KEPT = 4 * RATE
"""Samples of the track that are kept behind the latest stretch."""
NAMED = 5
BAD = 200
"""Stretches that are not as they should be, after which no more are looked at."""
SOUGHT = 8
"""How many of these are looked for further away."""
THINNED, LIKELIEST = 7, 16
"""A wide search multiplies each seventh sample, of left and right in turn, and all samples at the 16 likeliest places:
the standard error of a correlation of 571 samples is 0.04, a twelfth of `LIKE`."""
BEYOND = 5
"""Seconds behind a track that ends before its source does at which the source is no longer read."""
CUT = 0.2
"""Seconds of sound behind the pictures that are left out of a stream."""

Narrow = Sequence[float]
"""Samples of two channels, left and right in turn."""


@dataclass(frozen=True)
class Stretch:
    """A piece of a source's sound."""

    at: float
    """When it begins, seconds from the start of the track, by the source's timestamps."""
    samples: Narrow
    spread: float = 0.0
    """Seconds by which the times of the packets around it differ from `at`."""
    slack: float = 0.0
    """Seconds by which a track may be off all the same, since timestamps of this source are not exact."""
    marred: bool = False
    """Whether damage makes it uncertain what is heard."""
    joined: bool = False
    """Whether another recording begins in it, of which the track leaves out what overlaps."""


@dataclass
class _Group:
    """Stretches in a row that are not as they should be; silent ones between them do not count."""

    start: float
    end: float
    kinds: Counter[str] = field(default_factory=Counter)
    amounts: list[float] = field(default_factory=list)
    sure: bool = False
    """Whether one stretch is enough."""


@dataclass
class Found:
    """What was found."""

    compared: int = 0
    """Stretches that were heard and compared."""
    faults: list[str] = field(default_factory=list)


class _Track:
    """The track's samples around a position, read in order."""

    def __init__(self, parts: Iterable[tuple[int, Narrow]]) -> None:
        self._parts = iter(parts)
        self._have: list[float] = []
        self._start = 0
        self.ended = False

    @property
    def end(self) -> int:
        """Position behind what was read."""
        return self._start + len(self._have) // 2

    def reach(self, stop: int) -> None:
        """Read up to a position, as far as there is something."""
        while self.end < stop and not self.ended:
            part = next(self._parts, None)
            if part is None:
                self.ended = True
                return
            position, samples = part
            self._have.extend([0.0] * (2 * max(0, position - self.end)))
            self._have.extend(samples[2 * max(0, self.end - position) :])
            self.forget(stop - KEPT)

    def forget(self, before: int) -> None:
        """Drop what lies before a position."""
        count = min(before, self.end) - self._start
        if count > RATE:
            del self._have[: 2 * count]
            self._start += count

    def within(self, start: int, stop: int) -> list[float] | None:
        """Return a range; silence outside of the track, ``None`` where it was dropped."""
        self.reach(stop)
        if start < self._start and self._start > 0:
            return None
        low, high = max(start, self._start), min(stop, self.end)
        if low >= high:
            return [0.0] * (2 * (stop - start))
        inside = self._have[2 * (low - self._start) : 2 * (high - self._start)]
        return [0.0] * (2 * (low - start)) + inside + [0.0] * (2 * (stop - high))


class _Follower:
    def __init__(self, track: _Track, gain: float, names: tuple[str, str], *, levels: bool) -> None:
        self._track, self._gain, self._names, self._levels = track, gain, names, levels
        self.found = Found()
        self.bad = 0
        self._next: int | None = None
        """Where the next stretch begins if it follows the one before."""
        self._group: _Group | None = None
        self._covered = 0
        self._sought = 0
        self._best: list[float] = []
        """How well the stretches correlate that are the same sound."""

    def take(self, stretch: Stretch) -> None:
        """Compare a stretch."""
        count = len(stretch.samples) // 2
        at = round(stretch.at * RATE)
        self._between(at)
        self._covered = max(self._covered, at + count)
        self._track.reach(at + count + WIDE)
        if at < 0 or at + count > self._track.end:
            self._next = None
            return
        near = stretch.slack + NEAR + min(stretch.spread, UNSURE)
        level = decibels(stretch.samples)
        if not isfinite(level) or stretch.marred or stretch.spread > UNSURE:
            self._next = None
        elif level >= LOUD:
            self._heard(stretch, at, round(near * RATE), level)
        elif level <= QUIET:
            self._silent(at + round(near * RATE), at + count - round(near * RATE))

    def _between(self, at: int) -> None:
        """Look at what the track has where the source has nothing."""
        margin = round(RATE * (UNSURE + NEAR))
        start, stop = self._covered + margin, at - margin
        while start + STRETCH // 2 <= stop and self.bad < BAD:
            self._track.reach(start)
            if start >= self._track.end:
                return
            self._silent(start, min(start + STRETCH, stop))
            start += STRETCH

    def _silent(self, start: int, stop: int) -> None:
        ours = self._track.within(start, stop) if start < stop else None
        if ours is not None and decibels(ours) - self._gain > LOUD + 5:
            self._wrong("extra", start, stop)

    def _heard(self, stretch: Stretch, at: int, near: int, level: float) -> None:
        theirs = stretch.samples
        count = len(theirs) // 2
        expected, self._next = self._next, None
        ours = self._track.within(at - WIDE, at + count + WIDE)
        if ours is None:
            return
        self.found.compared += 1
        far: tuple[int, float] | None = None
        best = (WIDE, 0.0)
        for place in (at,) if expected is None else (expected, at):
            climbed = _climb(theirs, ours, max(1, min(2 * WIDE - 1, place - at + WIDE)))
            if abs(climbed[0] - WIDE) > near:
                far = climbed
            elif climbed[1] > best[1]:
                best = climbed
            if best[1] >= SURE:
                break
        else:
            best = max(best, _search(theirs, ours, WIDE - near, WIDE + near), key=lambda one: one[1])
        here = ours[2 * WIDE : 2 * (WIDE + count)]
        if best[1] < LIKE and decibels(here) - self._gain < level - FALL:
            self._wrong("silent", at, at + count, sure=stretch.spread < NEAR)
            return
        if best[1] < SURE and (far is None or far[1] < LIKE) and self._sought < SOUGHT:
            self._sought += 1
            far = _search(theirs, ours, 1, 2 * WIDE - 1)
        if far is not None and far[1] >= LIKE and far[1] > best[1] + 0.1:
            self._next = at + far[0] - WIDE + count
            self._wrong("late", at, at + count, (far[0] - WIDE) / RATE)
        elif best[1] >= LIKE:
            if not stretch.joined:
                self._best.append(best[1])
            self._right(at, best[0], theirs, ours)
        elif _swapped(theirs, self._turned(theirs, ours, near)):
            self._wrong(f"the {self._names[0]} and {self._names[1]} channels are swapped", at, at + count)
        else:
            self._wrong("unlike", at, at + count)

    @staticmethod
    def _turned(theirs: Narrow, ours: list[float], near: int) -> list[float]:
        """Return what lies in `ours` where a stretch with its channels swapped fits best."""
        turned = [value for at in range(0, len(theirs), 2) for value in (theirs[at + 1], theirs[at])]
        place, _ = _search(turned, ours, WIDE - near, WIDE + near)
        return ours[2 * place : 2 * place + len(theirs)]

    def _right(self, at: int, lag: int, theirs: Narrow, ours: list[float]) -> None:
        """Take a stretch that is where it should be, at `lag` in `ours`; look at its level."""
        self._next = at + lag - WIDE + len(theirs) // 2
        here = ours[2 * lag : 2 * lag + len(theirs)]
        stop = at + len(theirs) // 2
        if _swapped(theirs, here):
            self._wrong(f"the {self._names[0]} and {self._names[1]} channels are swapped", at, stop)
            return
        for channel, name in enumerate(self._names):
            level = decibels(theirs[channel::2])
            if level >= LOUD and decibels(here[channel::2]) - self._gain < level - FALL:
                self._wrong(f"the {name} channel is silent", at, stop)
                return
        off = decibels(here) - self._gain - decibels(theirs)
        if self._levels and abs(off) > OFF:
            self._wrong("level", at, stop, off)
            return
        self._close()

    def _wrong(self, kind: str, start: int, stop: int, amount: float = 0.0, *, sure: bool = False) -> None:
        self.bad += 1
        if self._group is None:
            self._group = _Group(start / RATE, stop / RATE)
        group = self._group
        group.end = stop / RATE
        group.kinds[kind] += 1
        group.amounts.extend([amount] if amount else [])
        group.sure = group.sure or sure

    def _close(self) -> None:
        group, self._group = self._group, None
        if group is not None and (group.sure or group.kinds.total() > 1):
            self.found.faults.append(_said(group))

    def finish(self, tail: float | None) -> Found:
        """Look at the end: what the track has behind the source, and what it lacks.

        Args:
            tail: When sound of the source begins that lies behind the track; ``None``: none does.
        """
        if self.bad < BAD:
            while not self._track.ended:
                before = self._track.end
                self._between(before + STRETCH)
                self._covered = max(self._covered, before)
                self._track.reach(before + STRETCH)
        self._close()
        if not self.found.faults and len(self._best) >= SEVERAL and median(self._best) < MIX:
            self.found.faults.append(
                f"its channels are not mixed as the source's are (correlation {median(self._best):.2f})"
            )
        if tail is not None:
            self.found.faults.append(f"sound ends at {self._track.end / RATE:.1f} s, that of the source goes on")
        if self.bad >= BAD:
            self.found.faults.append("so much of the sound is wrong that the rest was not compared")
        return self.found


def compare(
    source: Iterable[Stretch],
    track: Iterable[tuple[int, Narrow]],
    gain: float,
    *,
    levels: bool,
    cut: bool,
    names: tuple[str, str] = ("left", "right"),
) -> Found:
    """Compare a track with its source.

    Args:
        source: The source's sound in order, stretches of `STRETCH` samples.
        track: Positions, samples of `RATE`, and what is heard from there on.
        gain: dB by which the track is louder than the source.
        levels: Whether levels are compared.
        cut: Whether sound behind the end of the track was left out on purpose.
        names: Of the two channels.
    """
    ours = _Track(track)
    follower = _Follower(ours, gain, names, levels=levels)
    tail: float | None = None
    for stretch in source:
        follower.take(stretch)
        if follower.bad >= BAD:
            break
        end = ours.end / RATE
        if ours.ended and not cut and CUT < stretch.at - end < 1 and decibels(stretch.samples) >= LOUD:
            tail = stretch.at
        if ours.ended and cut and stretch.at > end + BEYOND:
            break
    return follower.finish(tail)


def decibels(samples: Narrow) -> float:
    """Return the level of samples, dBFS."""
    power = sum(map(mul, samples, samples)) / max(1, len(samples))
    return 10 * log10(power) if power > 1e-12 else power if power != power else -120.0


def _swapped(theirs: Narrow, ours: Narrow) -> bool:
    """Whether the difference of two channels, where it is heard, has the other sign."""
    wanted = [one - two for one, two in zip(theirs[::2], theirs[1::2], strict=True)]
    found = [one - two for one, two in zip(ours[::2], ours[1::2], strict=True)]
    if decibels(wanted) < LOUD:
        return False
    scale = sqrt(sum(map(mul, wanted, wanted)) * sum(map(mul, found, found)) + 1e-12)
    return bool(sum(map(mul, wanted, found)) / scale < -LIKE)


def _climb(theirs: Narrow, ours: list[float], place: int) -> tuple[int, float]:
    """Return the place near another at which sound correlates best, and how well."""
    size, energy = len(theirs), sum(map(mul, theirs, theirs))

    def score(at: int) -> float:
        there = ours[2 * at : 2 * at + size]
        return float(sum(map(mul, theirs, there)) / sqrt(energy * sum(map(mul, there, there)) + 1e-12))

    low, here, high = score(place - 1), score(place), score(place + 1)
    for _ in range(4):
        if here >= low and here >= high:
            break
        if high > low:
            place, low, here, high = place + 1, here, high, score(place + 2)
        else:
            place, low, here, high = place - 1, score(place - 2), low, here
    return place, _peak(low, here, high)


def _search(theirs: Narrow, ours: list[float], first: int, last: int) -> tuple[int, float]:
    """Return the place in a range at which sound correlates best, and how well."""
    size, every, thinned = len(theirs), list(theirs), list(theirs[::THINNED])
    sums = list(accumulate(map(mul, ours, ours), initial=0.0))

    def score(wanted: list[float], at: int, step: int) -> float:
        energy = max(0.0, sums[2 * at + size] - sums[2 * at])
        return float(sum(map(mul, wanted, ours[2 * at : 2 * at + size : step])) / sqrt(energy + 1e-12))

    places: Iterable[int] = range(first, last + 1, 2)
    if last - first > 4 * LIKELIEST:
        places = nlargest(LIKELIEST, places, key=lambda at: score(thinned, at, THINNED))
    return _climb(theirs, ours, max(places, key=lambda at: score(every, at, 1)))


def _peak(low: float, here: float, high: float) -> float:
    """Return the height of a peak between samples: of a tone near half of `RATE` they can be far from it."""
    if here <= 0:
        return here
    cosine = (low + high) / (2 * here)
    if abs(cosine) >= 1:
        return here
    return min(1.0, sqrt(here * here + ((high - low) / 2) ** 2 / (1 - cosine * cosine)))


def _said(group: _Group) -> str:
    kind = group.kinds.most_common(1)[0][0]
    span = f"from {group.start:.1f} to {group.end:.1f} s"
    amount = median(group.amounts or [0.0])
    match kind:
        case "silent":
            return f"sound is silent {span} where the source is not"
        case "late":
            return f"sound {span} is {abs(amount):.3f} s {'late' if amount > 0 else 'early'}"
        case "extra":
            return f"there is sound {span} where the source has none"
        case "level":
            return f"sound {span} is {abs(amount):.0f} dB {'louder' if amount > 0 else 'quieter'} than it should be"
        case "unlike":
            return f"sound {span} is not the source's"
        case _ if kind.endswith("is silent"):
            return f"{kind} {span} where the source's is not"
        case _:
            return f"{kind} {span}"


def named(found: Found) -> Iterator[str]:
    """Yield the faults, the first ones one by one."""
    yield from found.faults[:NAMED]
    if len(found.faults) > NAMED:
        yield f"{len(found.faults) - NAMED} more places where the sound is not the source's"
