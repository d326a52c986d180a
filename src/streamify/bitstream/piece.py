"""The times of the pictures of one run of packets, between two breaks of the clock. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from fractions import Fraction
from itertools import pairwise

from streamify.bitstream.packets import NONE, Packets

FAULTY = Fraction(1, 20)
"""Share of pictures whose presentation times may contradict the order of the bitstream before all are given up."""

HOLE = 8
"""Pictures that must be missing for the orders before and behind a hole not to be comparable: their low bits wrap."""
REACH = 16
"""Most pictures that a decoder holds back (ITU-T H.264, A.3.1; H.265, A.4.2)."""

PACED = 100
"""Last pictures by whose times the rate is told."""


class Piece:
    """A run of packets on one clock."""

    def __init__(
        self,
        packets: Packets,
        raw: Sequence[int],
        start: int,
        end: int,
        wild: set[int],
        repeated: set[int],
        behind: Set[int] = frozenset(),
    ) -> None:
        self.start, self.end = start, end
        self.trusted, self.filled = True, 0
        self.late: set[int] = set()
        self._raw = raw
        self._pts = packets.pts
        self._wild, self._repeated, self._behind = wild, repeated, behind
        self._packets = packets
        self._shown = [number for number in range(start, end) if packets.shows(number)]
        self._epochs = dict[int, int]()

    def timed(self, *, reordered: bool, step: int, depth: int) -> dict[int, int]:
        """Return the time of each packet that shows a picture."""
        twice = [number for number in self._shown if number in self._repeated]
        self.late = {number for number in self._shown if number in self._behind}
        once = [number for number in self._shown if number not in self._repeated and number not in self.late]
        self._count_epochs(step)
        shown = sorted(once, key=self._rank) if reordered else once
        known = {number: self._own(number) for number in shown}
        if reordered:
            known = self._sifted(shown, known, step, depth)
        elif not _rises([known[number] for number in shown if known[number] != NONE]):
            # Nothing tells the order but the times themselves.
            shown = sorted(shown, key=lambda number: known[number])
        if reordered:
            known |= dict.fromkeys(_miscounted(shown, known, step), NONE)
            known |= dict.fromkeys(_twins(shown, known, step), NONE)
        self.filled = sum(time == NONE for time in known.values())
        times = _filled([known[number] for number in shown], step)
        return dict(zip(shown, times, strict=True)) | {number: self._own(number) for number in twice}

    def _count_epochs(self, step: int) -> None:
        """Number the runs between holes: across one, orders of the bitstream cannot be compared."""
        epoch, before, passed = 0, NONE, 0
        for number in self._shown:
            time = self._raw[number] if number not in self._wild else NONE
            passed += 1
            if time != NONE:
                epoch += before != NONE and time - before > (HOLE + passed) * max(step, 1)
                before, passed = time, 0
            self._epochs[number] = epoch

    def _rank(self, number: int) -> tuple[int, int, int]:
        picture = self._packets.picture[number]
        return self._epochs[number], self._packets.sequences[picture], self._packets.orders[picture]

    def _own(self, number: int) -> int:
        if number in self._wild:
            return NONE
        time = self._pts[number]
        return time if time != NONE or self._raw[number] == NONE else self._raw[number]

    def _sifted(self, shown: list[int], known: dict[int, int], step: int, depth: int) -> dict[int, int]:
        """Return the times that fit the order in which pictures are shown; those of decoding where too few do."""
        times = [known[number] for number in shown]
        wrong = _falling(times)
        if not wrong:
            return known
        place = {number: at for at, number in enumerate(sorted(shown))}
        lag = max(place[number] - at for at, number in enumerate(shown))
        if lag > REACH:
            return known  # no decoder holds that many pictures back: the orders were read wrongly
        have = sum(time != NONE for time in times)
        if len(wrong) <= FAULTY * have and not self._of_decoding(shown, known):
            uses = Counter(times)
            # What goes on from the picture before has its own time: the other one was counted wrongly.
            ahead = {at for at in wrong if uses[times[at]] > 1 and not _goes_on(times, at, step)}
            doubtful = {shown[at] for at in wrong if at in ahead or not self._plausible(shown[at], times[at], step)}
            return known | dict.fromkeys((*doubtful, *(shown[at] for at in _back(times))), NONE)
        self.trusted = False
        lag = max(depth, lag)
        slots = _filled([self._slot(number) for number in sorted(shown)], step)
        slots.sort()
        slots += _further(slots, max(step, 1), lag)
        return {number: slots[at + lag] for at, number in enumerate(shown)}

    def _plausible(self, number: int, time: int, step: int) -> bool:
        """Whether a picture can be shown at a time, by that of its decoding."""
        dts = self._packets.dts[number]
        return dts != NONE and 0 <= time - dts <= 2 * REACH * max(step, 1)

    def _slot(self, number: int) -> int:
        return NONE if number in self._wild else self._raw[number]

    def _of_decoding(self, shown: list[int], known: dict[int, int]) -> bool:
        """Whether the times rise in the order of decoding, which is not that of showing."""
        return _rises([known[number] for number in sorted(shown) if known[number] != NONE])


def _goes_on(times: Sequence[int], at: int, step: int) -> bool:
    """Whether a time is a step behind the one in front of it."""
    return at > 0 and times[at - 1] != NONE and abs(times[at] - times[at - 1] - step) <= step // 2


def _further(times: Sequence[int], step: int, count: int) -> list[int]:
    """Return times that go on behind others, at the rate of the last even ones: the usual step is rounded to ticks."""
    first = len(times) - 1
    rounded = int(step > 3)  # of a shorter one, a tick more may be a picture that is missing
    while first > max(0, len(times) - PACED) and abs(times[first] - times[first - 1] - step) <= rounded:
        first -= 1
    last = times[first:]
    size = len(last)
    if size < 2:
        return [times[-1] + step * number for number in range(1, count + 1)]
    # The line through them with the least squared errors: first and last alone are both rounded.
    weights = [2 * place - size + 1 for place in range(size)]
    slope = sum(weight * time for weight, time in zip(weights, last, strict=True))
    pace = Fraction(2 * slope, sum(weight**2 for weight in weights))
    middle = Fraction(sum(last), size)
    return [round(middle + pace * (Fraction(size - 1, 2) + number)) for number in range(1, count + 1)]


def _twins(shown: Sequence[int], known: dict[int, int], step: int) -> list[int]:
    """Return packets with the time of the picture before them where the next one leaves room for both."""
    return [
        number
        for before, number, after in zip(shown, shown[1:], shown[2:], strict=False)
        if known[before] == known[number] != NONE and known[after] - known[number] > step * 3 // 2
    ]


TOGETHER = 64
"""Most pictures of one PES packet whose times are mended: the smallest of MPEG-2 take 30 bytes of its 2 KB."""


def _miscounted(shown: Sequence[int], known: dict[int, int], step: int) -> Iterator[int]:
    """Yield the packets of short stretches that hold as many pictures as their time has room for, two at one time.

    A PES packet's time is that of the first picture whose start code is in it (ISO/IEC 13818-1, 2.4.3.7). Where the
    headers of that picture are still in the packet before, FFmpeg (seen in 5.1 and 8.1) writes the time of the next
    picture. A reader counts on from there until the next time, which is right: a hole in front of the stretch, and at
    its end two pictures at one time.
    """
    places = [place for place, number in enumerate(shown) if known[number] != NONE]
    times = [known[shown[place]] for place in places]
    ahead = [time - place * step for place, time in zip(places, times, strict=True)]
    done = 0
    for second in range(1, len(places)):
        if second <= done or times[second - 1] != times[second]:
            continue
        reach = range(second - 1, max(done - 1, second - TOGETHER), -1)
        left = next((at for at in reach if abs(ahead[at] - ahead[second]) < step // 2), None)
        onward = range(second, min(len(places), second + TOGETHER))
        right = next((at for at in onward if abs(ahead[at] - ahead[second - 1]) < step // 2), None)
        if left is not None:
            yield from (shown[places[at]] for at in range(left + 1, second))
            done = second
        elif right is not None:
            yield from (shown[places[at]] for at in range(second, right))
            done = right
        elif len(places) - second <= TOGETHER and all(one < ahead[second - 1] - step // 2 for one in ahead[second:]):
            yield from (shown[places[at]] for at in range(second, len(places)))  # no time follows that is right
            return


def _rises(times: Sequence[int]) -> bool:
    return all(before < after for before, after in pairwise(times))


def _back(times: Sequence[int]) -> list[int]:
    """Return the places of times that fall to one that another picture has."""
    uses = Counter(times)
    known = [place for place, time in enumerate(times) if time != NONE]
    return [place for before, place in pairwise(known) if times[place] < times[before] and uses[times[place]] > 1]


def _falling(times: Sequence[int]) -> list[int]:
    """Return the places outside one longest run of times that do not fall."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int] = {}
    for place, time in enumerate(times):
        if time == NONE:
            continue
        at = bisect_right(tails, time)
        if at:
            before[place] = ends[at - 1]
        if at == len(tails):
            tails.append(time)
            ends.append(place)
        else:
            tails[at], ends[at] = time, place
    kept = set()
    place_at = ends[-1] if ends else None
    while place_at is not None:
        kept.add(place_at)
        place_at = before.get(place_at)
    return [place for place, time in enumerate(times) if time != NONE and place not in kept]


def _filled(times: list[int], step: int) -> list[int]:
    """Return times in order with those that are missing spread evenly between their neighbours."""
    known = [place for place, time in enumerate(times) if time != NONE]
    if len(known) == len(times) or not known:
        return list(times)
    found = list(times)
    pace = Fraction(step)
    if not step and len(known) > 1:
        pace = Fraction(times[known[-1]] - times[known[0]], known[-1] - known[0])
    for left, right in pairwise(known):
        for place in range(left + 1, right):
            found[place] = times[left] + (times[right] - times[left]) * (place - left) // (right - left)
    for place in range(known[0]):
        found[place] = times[known[0]] - int(pace * (known[0] - place))
    for place in range(known[-1] + 1, len(times)):
        found[place] = times[known[-1]] + int(pace * (place - known[-1]))
    return found
