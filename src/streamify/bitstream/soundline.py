"""Where the samples of a stream of sound lie in time: by their count, held to the timestamps only slowly. Pure.

Samples follow each other without a gap; timestamps jitter, are rounded, and drift against them. So a run of packets
lies where its timestamps say on the whole, and only a step that stays is a gap or an overlap (decision 0022).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from streamify.bitstream.packets import NONE

SECOND = 1_000_000_000
"""All times here are nanoseconds."""
STEP = SECOND * 3 // 100
"""Least step of the timestamps against the samples that is a gap or an overlap."""
LONG = 2 * SECOND
"""How far on both sides a step is looked at: it has to stay."""
SHORT = 5
"""Packets on both sides of a step that have to show it."""
SURE = SECOND // 2
"""Step that counts even at the last packets of a stream."""
CLEAN = SECOND * 3 // 1000
"""Timestamps that are all this near to what the samples say are taken for exact."""
BLOCK = 10 * SECOND
"""Stretch over which drift is measured and then corrected."""
DEAD = SECOND // 200
"""Drift that is not corrected yet."""
SLOPE = 100
"""One over the most by which sound is stretched or squeezed."""
LOST = SECOND // 4
"""Distance that such a correction does not follow: the sound is placed anew."""
PADDING = 4
"""Packets that encoders add, at most, at the end of a part and the beginning of the next: 2,112 samples of AAC to begin
with, and what fills the last packet; about as many packets with HE-AAC, MP3 and AC-3."""
PADDED = SECOND // 5
"""Longest such padding."""
PARTED = 4
"""How many times as long as that the sound in front is at the least: it is a part."""


@dataclass
class Coded:
    """The packets of a stream of sound, in order."""

    sums: array[int] = field(default_factory=lambda: array("q", [0]))
    """Samples before each packet, of whatever rate, and of all packets."""
    firsts: list[int] = field(default_factory=list)
    """First packet of each stretch without a change of rate or channels."""
    kinds: list[tuple[int, int]] = field(default_factory=list)
    """Rate and channels of each stretch."""

    def __len__(self) -> int:
        return len(self.sums) - 1

    @property
    def last(self) -> int:
        """Return how many samples the last packet holds."""
        return self.sums[-1] - self.sums[-2] if len(self) else 0

    def add(self, rate: int, channels: int, samples: int) -> None:
        """Append a packet."""
        if not self.kinds or self.kinds[-1] != (rate, channels):
            self.firsts.append(len(self))
            self.kinds.append((rate, channels))
        self.sums.append(self.sums[-1] + samples)

    def within(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Yield the stretches of packets `first` to `last` (exclusive): first packet, the one after the last, rate."""
        place = max(0, bisect_right(self.firsts, first) - 1)
        while place < len(self.firsts) and self.firsts[place] < last:
            stop = self.firsts[place + 1] if place + 1 < len(self.firsts) else len(self)
            yield max(self.firsts[place], first), min(stop, last), self.kinds[place][0]
            place += 1


@dataclass(frozen=True)
class Run:
    """Packets whose samples follow each other."""

    first: int
    """Number of the first packet."""
    at: int
    """When its first sample is heard, ns."""
    rate: int
    """Samples per second, as coded."""
    played: int
    """Samples per second at which they are played; another than `rate` where drift is corrected."""
    joined: bool
    """Whether it follows the run before without a gap."""


@dataclass(frozen=True)
class Hole:
    """A gap in the sound, or an overlap."""

    at: int
    """Where the sound in front of it ends, ns."""
    length: int
    """Less than 0: what lies behind begins that much before the end of what lies in front."""
    packet: int
    """The first behind it."""


@dataclass(frozen=True)
class Line:
    """Where all packets of a stream lie."""

    runs: tuple[Run, ...]
    holes: tuple[Hole, ...]
    end: int
    """End of the last sample, ns."""
    jitter: int
    """Most by which a timestamp is off, ns."""
    drift: int
    """By how much sound was stretched in all, or squeezed (less than 0), ns."""


def lay(packets: Coded, times: Sequence[int], *, clockless: bool = False, joins: Sequence[int] = ()) -> Line:
    """Lay packets out in time.

    Args:
        packets: How many samples they hold.
        times: When the container says that each begins, ns; `NONE` where it does not. At least one does.
        clockless: These times are nothing but a count of FFmpeg's; only the first one is used.
        joins: Packets, with times, with which another recording begins: there, a step need not be large.
    """
    counted = _counted(packets)
    known = [number for number, time in enumerate(times) if time != NONE]
    off = [times[number] - counted[number] for number in known]
    if clockless:
        known, off = known[:1], off[:1]
    wild = _wild_at_the_start([counted[number] for number in known], off)
    known, off = known[wild:], off[wild:]
    at = [counted[number] for number in known]
    edges = [0, *_moved(at, off, [bisect_left(known, number) for number in joins if number <= known[-1]]), len(known)]
    starts = [0]
    for first, last in pairwise(edges):
        starts += [first] * (first > 0) + [first + step for step in _steps(at[first:last], off[first:last])]
    starts.append(len(known))
    runs: list[Run] = []
    holes: list[Hole] = []
    jitter = drift = 0
    for place, (begin, stop) in enumerate(pairwise(starts)):
        first = known[begin] if place else 0
        last = known[stop] if stop < len(known) else len(packets)
        part = _Part(packets, counted, first, last, known[begin:stop], off[begin:stop])
        for run in part.runs():
            if runs and not run.joined:
                end = _end(packets, runs[-1], run.first)
                holes.append(Hole(end, run.at - end, run.first))
            runs.append(run)
        jitter, drift = max(jitter, part.jitter), drift + part.drift
    return Line(tuple(runs), tuple(holes), _end(packets, runs[-1], len(packets)), jitter, drift)


def _wild_at_the_start(at: Sequence[int], off: Sequence[int]) -> int:
    """Return how many of the first timestamps are far behind those that follow, and too few to be a recording."""
    near = range(1, bisect_left(at, at[0] + SURE))
    return next((place for place in near if off[place - 1] - off[place] > LONG), 0)


def padding(overlap: int | Fraction, packet: int | Fraction, front: int | Fraction) -> bool:
    """Return whether an overlap is no longer than what encoders add where parts are joined.

    Args:
        overlap: Its length, ns, as all here.
        packet: Length of the first packet behind it.
        front: Length of the sound in front of it, from the overlap or gap before.
    """
    return overlap <= min(PADDING * packet, PADDED) and PARTED * overlap <= front


def _counted(packets: Coded) -> array[int]:
    """Return when each packet begins, and the last ends, if nothing counts but samples, ns from the first."""
    found = array("q")
    base = 0
    for first, stop, rate in packets.within(0, len(packets)):
        zero = packets.sums[first]
        found.extend(base + (total - zero) * SECOND // rate for total in packets.sums[first:stop])
        base += (packets.sums[stop] - zero) * SECOND // rate
    found.append(base)
    return found


def _end(packets: Coded, run: Run, stop: int) -> int:
    """Return when the packet before `stop`, one of a run, ends."""
    return run.at + (packets.sums[stop] - packets.sums[run.first]) * SECOND // run.played


def _moved(at: Sequence[int], off: Sequence[int], joins: Sequence[int]) -> Iterator[int]:
    """Yield the joins behind which timestamps are earlier or later against the samples, by more than they jitter."""
    since = moved = 0
    for place, following in pairwise([*joins, len(off)]):
        before = off[max(since, bisect_left(at, at[place] - LONG, since, place)) : place]
        after = off[place : bisect_left(at, at[place] + LONG, place, following)]
        moved += _middle(after) - _middle(before)
        if abs(moved) > max(CLEAN, (_high(before) - _low(before)) // 2, (_high(after) - _low(after)) // 2):
            yield place
            moved = 0
        since = place


def _steps(at: Sequence[int], off: Sequence[int]) -> Iterator[int]:
    """Yield where timestamps move against the samples, and stay there.

    Args:
        at: When packets begin by the count of samples.
        off: By how much their timestamps are later.
    """
    since = place = 0
    while (place := place + 1) < len(off):
        if abs(off[place] - off[place - 1]) <= STEP or not _stays(at, off, since, place):
            continue
        step = off[place] - off[place - 1]
        for other in range(place + 1, min(place + SHORT, len(off))):  # near it, the sharpest
            jump = off[other] - off[other - 1]
            if (jump > 0) == (step > 0) and abs(jump) > abs(step) and _stays(at, off, since, other):
                place, step = other, jump
        yield place
        since = place


def _stays(at: Sequence[int], off: Sequence[int], since: int, place: int) -> bool:
    before = off[max(since, bisect_left(at, at[place] - LONG, since, place)) : place]
    after = off[place : bisect_left(at, at[place] + LONG, place)]
    if len(before) < SHORT or len(after) < SHORT:
        return abs(_middle(after) - _middle(before)) > SURE
    if off[place] > off[place - 1]:
        apart, near = _low(after) - _high(before), _low(after[:SHORT]) - _high(before[-SHORT:])
    else:
        apart, near = _low(before) - _high(after), _low(before[-SHORT:]) - _high(after[:SHORT])
    return apart > STEP // 2 and near > STEP // 2


class _Part:
    """A stretch of packets between two steps."""

    def __init__(
        self, packets: Coded, counted: Sequence[int], first: int, last: int, known: Sequence[int], off: Sequence[int]
    ) -> None:
        self._packets, self._counted = packets, counted
        self._first, self._last = first, last
        self._known, self._off = known, off
        self.jitter = self.drift = 0

    def runs(self) -> list[Run]:
        """Return one run, or more where the rate changes or drift is corrected."""
        middle = _middle(self._off)
        near = [one for one in self._off if abs(one - middle) <= CLEAN]
        self.jitter = max(abs(one - middle) for one in self._off)
        if len(near) * 20 >= len(self._off) * 19:
            # The first usual one: as exact as the container is.
            return self._even(self._first, self._last, self._counted[self._first] + near[0], 0)
        return self._followed()

    def _followed(self) -> list[Run]:
        bounds = self._bounds()
        head = self._between(bounds[0], bounds[0] + BLOCK // 5)
        at = bounds[0] + _middle(head or self._off[:SHORT])
        runs: list[Run] = []
        spread = 0
        for begin, end in pairwise(bounds):
            start, stop = bisect_left(self._counted, begin), bisect_left(self._counted, end)
            off = self._between(begin, end)
            missing = _middle(off) - (at - begin) if off else 0
            spread = _high(off) - _low(off) if off else spread
            stretch = 0
            if abs(missing) > max(DEAD, spread // 2):
                limit = (end - begin) // SLOPE
                stretch = max(-limit, min(limit, missing))
                if abs(missing - stretch) > LOST:
                    at = begin + _middle(off)
                    runs += self._even(start, stop, at, 0)
                    at = _end(self._packets, runs[-1], stop)
                    continue
            made = self._even(start, stop, at, stretch, joined=bool(runs))
            if len(runs) and not stretch and runs[-1].rate == runs[-1].played == made[0].played:
                made = made[1:]  # goes on as before
            runs += made
            after = _end(self._packets, runs[-1], stop)
            self.drift += after - at - (end - begin)
            at = after
        return runs

    def _bounds(self) -> list[int]:
        """Return where blocks begin and the last ends, by the count of samples; a short rest joins the last."""
        begin, end = self._counted[self._first], self._counted[self._last]
        count = max(1, (end - begin) // BLOCK)
        edges = [self._counted[self._first + self._number(begin + BLOCK * place)] for place in range(1, count)]
        return [begin, *edges, end]

    def _number(self, time: int) -> int:
        return bisect_left(self._counted, time, self._first, self._last) - self._first

    def _between(self, begin: int, end: int) -> Sequence[int]:
        low = bisect_left(self._known, bisect_left(self._counted, begin))
        return self._off[low : bisect_left(self._known, bisect_left(self._counted, end))]

    def _even(self, first: int, last: int, at: int, stretch: int, *, joined: bool = False) -> list[Run]:
        """Return packets at one speed: a run for each rate among them; `stretch` is spread evenly over all."""
        length = self._counted[last] - self._counted[first]
        found: list[Run] = []
        for start, stop, rate in self._packets.within(first, last):
            played = rate if not stretch or not length else max(1, round(rate * length / (length + stretch)))
            if not found or rate != found[-1].rate:
                found.append(Run(start, at, rate, played, joined or bool(found)))
            at = _end(self._packets, found[-1], stop)
        return found


def _middle(values: Sequence[int]) -> int:
    """Return the mean of some values without the outermost ones: where jitter leads on the whole."""
    ordered = sorted(values)
    cut = len(ordered) // 10
    inner = ordered[cut : len(ordered) - cut]
    return sum(inner) // len(inner)


def _low(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 10]


def _high(values: Sequence[int]) -> int:
    return sorted(values)[len(values) - 1 - len(values) // 10]
