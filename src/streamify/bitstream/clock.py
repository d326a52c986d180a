"""When each packet's picture is shown: container times where they can be right, the order of decoding where not. Pure.

Containers give decode times for presentation times (AVI, VFW in Matroska, MXF, MP4 without ``ctts``), leave times out,
start their clock anew where recordings were joined, let it jump, or hold the same stretch twice. What comes out is one
timeline on which each picture has a place of its own.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import median_low

from streamify.bitstream.packets import NONE, Packets
from streamify.bitstream.piece import Piece

BACK = Fraction(1, 2)
"""Seconds by which decode times must fall for the clock to count as restarted."""
AHEAD = 10
"""Seconds by which decode times must rise for the clock of a transport or program stream to count as jumped, as in
FFmpeg (``dts_delta_threshold``); in other containers it is a pause."""
NEAR = 2
"""Seconds before the first picture or behind the last one at which one that cannot be read may be shown."""
MANY = 3
"""Packets in a row that came before, of which chance makes no copies."""
PACED = 48
"""Last packets by which their distance is told."""
WILD = 3
"""Most packets in a row whose times count as wild where the clock goes on behind them as if nothing had been."""


@dataclass(frozen=True)
class Break:
    """A place where the clock does not go on."""

    packet: int
    """First packet behind it."""
    before: int
    """Raw time of the packet in front of it, ticks."""
    after: int
    """Raw time of the packet behind it, ticks."""
    shift: int
    """What is added to raw times from here on, ticks."""


@dataclass(frozen=True)
class Timed:
    """When pictures are shown."""

    times: array[int]
    """Of each packet, ticks; `NONE` where it shows nothing of its own."""
    ordered: bool
    """Whether presentation times of the container were usable; else the order of decoding gave them."""
    own: bool
    """Whether each packet keeps its own presentation time, or shows nothing: what decoders give is right as it is."""
    breaks: tuple[Break, ...]
    wild: tuple[int, ...]
    """Packets with a wild time."""
    late: tuple[int, ...]
    """Packets of pictures that belong far before where they are, and are not shown."""
    repeated: frozenset[int]
    """Packets that hold the same as earlier ones at the same time."""
    filled: int
    """Pictures without a usable time of their own, between others that have one."""
    step: int
    """Usual distance of pictures, ticks; 0: not known."""


def time_packets(
    packets: Packets,
    time_base: Fraction,
    *,
    reordered: bool,
    jumps: bool,
    depth: int = 0,
    behind: Set[int] = frozenset(),
    anew: Set[int] = frozenset(),
    reckoned: bool = False,
) -> Timed | None:
    """Give each picture its time; ``None`` where no packet has any.

    Args:
        packets: All of the stream.
        time_base: Seconds per tick.
        reordered: Whether `Packets.orders` says in which order pictures are shown.
        jumps: Whether the container's clock may jump ahead (transport and program streams).
        depth: Pictures by which the decoder's output is known to lag, at least.
        behind: Packets that come after others that are behind them in the file: they are late.
        anew: Packets with which another recording begins, as the container itself says.
        reckoned: Whether the container has times of decoding alone, from which FFmpeg reckons the others (AVI, ASF).
    """
    raw = _decode_times(packets)
    if all(time == NONE for time in raw):
        return None
    step = _usual_step(packets, raw)
    if not behind and not anew and _right(packets, time_base, reordered=reordered, jumps=jumps):
        times = array("q", (pts if packets.shows(at) else NONE for at, pts in enumerate(packets.pts)))
        if reckoned and _shown_as_decoded(packets, times, step, depth):
            times[0] += depth * step
            if times[-1] == max(times) and 0 < packets.dts[-1] + depth * step - times[-1] < step:
                times[-1] = packets.dts[-1] + depth * step  # FFmpeg reckoned with half of it, that of a field
        return Timed(times, True, _keeps(packets, times), (), (), (), frozenset(), 0, step)
    wild = _wild(raw, time_base).union(behind, _wild_at_the_end(packets, raw, time_base, anew, jumps=jumps))
    repeated: set[int] = set()
    starts = [0]
    known, shown = Copies(packets, raw), [0, *accumulate(map(packets.shows, range(len(packets))))]
    for start, sure in _breaks(raw, wild, time_base, anew, jumps=jumps):
        copies = known.copies(starts[-1], start)
        everything = shown[copies.stop] - shown[copies.start] == shown[start] - shown[starts[-1]]  # headers aside
        if copies:  # only then: how far apart the packets before are takes long to say
            near = _step_before(raw, starts[-1], start, step)
            if _goes_on(raw, start, copies, near, everything=everything):
                repeated.update(copies)
                continue
        if sure:
            starts.append(start)
    times = array("q", [NONE]) * len(packets)
    pieces = [Piece(packets, raw, start, end, wild, repeated, behind) for start, end in _spans(starts, len(packets))]
    ordered, filled, shift = True, 0, 0
    breaks: list[Break] = []
    latest: int | None = None
    lasting = step
    for piece in pieces:
        own = piece.timed(reordered=reordered, step=step, depth=depth)
        ordered, filled = ordered and piece.trusted, filled + piece.filled
        if not own:
            continue
        if latest is not None:
            shift = latest + lasting - min(own.values())
            before = next((raw[at] for at in range(piece.start - 1, -1, -1) if raw[at] != NONE), 0)
            after = next((raw[at] for at in range(piece.start, piece.end) if raw[at] != NONE), 0)
            breaks.append(Break(piece.start, before, after, shift))
        for number, time in own.items():
            times[number] = time + shift
        latest = max(own.values()) + shift
        lasting = _own_step(own.values(), step)
    same = _keeps(packets, times)
    late = tuple(number for piece in pieces for number in sorted(piece.late))
    odd = tuple(sorted(wild.difference(late)))
    return Timed(times, ordered, same, tuple(breaks), odd, late, frozenset(repeated), filled, step)


def _right(packets: Packets, time_base: Fraction, *, reordered: bool, jumps: bool) -> bool:
    """Whether all pictures have presentation times that rise in the order in which they are shown.

    The order of pictures that cannot be read is not known: their times are to be near the others, and no other's.
    """
    if not reordered:
        return False
    numbers = [at for at in packets.picture if at >= 0 and packets.shown[at]]
    times = [pts for at, pts in enumerate(packets.pts) if packets.shows(at)]
    if NONE in times:
        return False
    places = sorted(
        (packets.sequences[at], packets.orders[at], time)
        for at, time in zip(numbers, times, strict=True)
        if at not in packets.guessed
    )
    shown = [time for *_, time in places]
    if packets.guessed:
        near = int(NEAR / time_base)
        if (
            not shown
            or len(set(times)) < len(times)
            or min(times) < min(shown) - near
            or max(times) > max(shown) + near
        ):
            return False
    ahead = int(AHEAD / time_base)
    return all(before < time and not (jumps and time - before > ahead) for before, time in pairwise(shown))


def _shown_as_decoded(packets: Packets, times: Sequence[int], step: int, depth: int) -> bool:
    """Whether the first picture is shown when it is decoded, though the decoder holds back `depth` pictures.

    FFmpeg takes the first time of MPEG-1 in AVI and of MPEG-2 in ASF for both: a hole behind the first picture.
    """
    if not depth or not step or len(times) < 2 or NONE in (times[0], packets.dts[0], packets.dts[1]):
        return False
    following = min((time for time in times[1:] if time != NONE), default=NONE)
    even = packets.dts[1] - packets.dts[0] == step
    return times[0] == packets.dts[0] and even and following - times[0] == (depth + 1) * step


def _keeps(packets: Packets, times: Sequence[int]) -> bool:
    """Whether every packet keeps its presentation time, or holds a picture that is not shown."""
    return all(
        (time == pts) if time != NONE else picture >= 0 and not packets.shown[picture]
        for time, pts, picture in zip(times, packets.pts, packets.picture, strict=True)
    )


def _decode_times(packets: Packets) -> array[int]:
    """Return when each packet is decoded, by its container.

    Where presentation times rise from packet to packet and decode times fall more often, FFmpeg reckoned these from
    those, which an encoder gave in the order of decoding (libxvid in Matroska): they are the others. Packets that show
    nothing do not count: packed MPEG-4 in transport streams has one behind each group, whose decode time falls.
    """
    times = array("q", (d if d != NONE else p for d, p in zip(packets.dts, packets.pts, strict=True)))
    if NONE not in packets.pts and _falls(packets, packets.pts) < _falls(packets, times):
        return array("q", packets.pts)
    return times


def _falls(packets: Packets, times: Sequence[int]) -> int:
    """Return how often times fall from one packet that shows a picture to the next."""
    shown = [time for number, time in enumerate(times) if packets.shows(number)]
    return sum(after < before for before, after in pairwise(shown))


def _usual_step(packets: Packets, raw: Sequence[int]) -> int:
    """Return the usual distance of pictures: of decode times where most have one, else what packets claim."""
    gaps: list[int] = []
    before: int | None = None
    for number, time in enumerate(raw):
        if not packets.shows(number):
            continue
        if time == NONE:
            before = None
            continue
        if before is not None and time > before:
            gaps.append(time - before)
        before = time
    if gaps:
        return median_low(gaps)
    claimed = [one for one in packets.duration if one > 0]
    return median_low(claimed) if claimed else 0


def _own_step(times: Iterable[int], usual: int) -> int:
    """Return how long the last picture of a piece lasts: the usual step, where the piece has no other rate."""
    gaps = [after - before for before, after in pairwise(sorted(times)) if after > before]
    own = median_low(gaps) if gaps else usual
    return own if 4 * abs(own - usual) > usual else usual


def _wild(raw: Sequence[int], time_base: Fraction) -> set[int]:
    """Return single packets whose time is far from that of both neighbours, which are near each other."""
    far, near = int(BACK / time_base), int(2 / time_base)
    found: set[int] = set()
    known = [at for at, time in enumerate(raw) if time != NONE]
    at = 1
    while at < len(known):
        jump = raw[known[at]] - raw[known[at - 1]]
        if not -far <= jump <= near:
            for length in range(1, WILD + 1):
                after = at + length
                if (
                    after < len(known)
                    and 0 < raw[known[after]] - raw[known[at - 1]] <= near
                    and _apart(raw, known, at, after, near if jump > 0 else far)
                ):
                    found.update(known[at:after])
                    at = after
                    break
        at += 1
    return found


def _wild_at_the_end(
    packets: Packets, raw: Sequence[int], time_base: Fraction, anew: Set[int], *, jumps: bool
) -> Sequence[int]:
    """Return the last packets where these are few and far from all before them, and came neither before nor anew."""
    known = [at for at, time in enumerate(raw) if time != NONE]
    far, ahead = int(BACK / time_base), int(AHEAD / time_base)
    for length in range(1, min(WILD + 1, len(known))):
        last = known[-length:]
        moved = [raw[at] - raw[known[-length - 1]] for at in last]
        if all(one < -far or (jumps and one > ahead) for one in moved):
            came = {packets.prints[at] for at in last}.intersection(packets.prints[: last[0]])
            return last if not came and anew.isdisjoint(last) else ()
    return ()


def _apart(raw: Sequence[int], known: Sequence[int], first: int, stop: int, near: int) -> bool:
    """Whether all of some packets are far from where the clock goes on."""
    return all(abs(raw[known[at]] - raw[known[stop]]) > near for at in range(first, stop))


def _breaks(
    raw: Sequence[int], wild: set[int], time_base: Fraction, anew: Set[int], *, jumps: bool
) -> Iterator[tuple[int, bool]]:
    """Yield packets before which the clock restarts or jumps, and those whose times do not rise, which may be copies.

    With each comes whether it is one of the former.
    """
    far, ahead = int(BACK / time_base), int(AHEAD / time_base)
    before: int | None = None
    for number, time in enumerate(raw):
        if time == NONE or number in wild:
            continue
        moved = 1 if before is None else time - before
        sure = moved < -far or (jumps and moved > ahead) or number in anew
        if sure or moved <= 0:
            yield number, sure
        before = time


class Copies:
    """The packets of one piece so far, and which came again; asked of rising places, each packet is looked at a few
    times.

    Args:
        packets: All of the stream.
        raw: When each is decoded, ticks.
    """

    def __init__(self, packets: Packets, raw: Sequence[int]) -> None:
        self._packets, self._raw = packets, raw
        self._first = self._until = self._done = 0
        self._known: set[tuple[int, int]] = set()
        self.looked = 0
        """Packets that were looked at."""

    def copies(self, first: int, start: int) -> range:
        """Return the packets from `start` on that were there before, since `first`: same time, same bytes."""
        if first != self._first:
            self._known.clear()
            self._first = self._until = first
        self._known.update(map(self._key, range(self._until, start)))
        self.looked += start - self._until
        self._until = start
        if start < self._done:
            return range(0)  # inside of what was looked at
        end, most = start, start + start - first
        while end < min(len(self._raw), most) and self._key(end) in self._known:
            end += 1
        self.looked += end - start
        self._done = end
        return range(start, end)

    def _key(self, number: int) -> tuple[int, int]:
        pts = self._packets.pts[number]
        return pts if pts != NONE else self._raw[number], self._packets.prints[number]


def _step_before(raw: Sequence[int], first: int, start: int, usual: int) -> int:
    """Return the distance of the last packets in front of one, back to the first of its piece; else the usual one."""
    near = raw[max(first, start - PACED) : start]
    rises = [after - before for before, after in pairwise(near) if NONE not in (before, after) and after > before]
    return median_low(rises) if rises else usual


def _goes_on(raw: Sequence[int], start: int, copies: Sequence[int], step: int, *, everything: bool) -> bool:
    """Whether the clock goes on behind copies where it was before them.

    Behind few, or where it is all that there was before, which else is a loop, it does with the next picture.
    """
    after = copies[-1] + 1
    if after >= len(raw):
        return not everything
    many = len(copies) >= MANY and not everything
    if raw[after] == NONE:
        return many
    moved = raw[after] - raw[start - 1]
    return 0 <= moved <= max(8 * step, 1) if many else 0 < moved <= max(step * 3 // 2, 1)


def _spans(starts: Sequence[int], count: int) -> Iterator[tuple[int, int]]:
    return zip(starts, [*starts[1:], count], strict=True)
