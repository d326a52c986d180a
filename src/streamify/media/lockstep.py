"""Does a stream show every picture of its source, once, in order and at its time? Judged by what they look like. Pure.

Two runs of pictures are followed side by side, each with its time and a small grey version. The source's times are
those of a player: where they fall back, leap or are missing, they go on by the usual step, unless the picture is one
that was shown before.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from statistics import median_low

UNLIKE = 24.0
"""Mean difference of grey levels above which two pictures show different things."""
CLEARLY = 2.0
"""How many times more like a neighbour a picture must be to be out of place; and at least `LEAST` grey levels."""
LEAST = 0.5
BACK = Fraction(1, 2)
"""Seconds by which a source's times may fall before they count as restarted."""
SETTLING = 48
"""First pictures within which a player's times may settle (decode times in place of presentation times)."""
LEFT_OUT = 20
"""Most pictures in a row of a source that are left out of a stream of 60 a second: of 1,000 a second 16 of 17."""
FAST = Fraction(1, 80)
"""Seconds between pictures below which a stream has not each of them."""
UNEVEN = Fraction(1, 120)
"""Seconds by which times may differ at a variable rate."""
REMEMBERED = 9000
"""Last pictures of the source that are known again when they come twice: some minutes, 12 MB."""
FORGET = 0.98
"""What is left after each picture of the largest difference between a picture and the source's."""
SLIGHT = 6
"""Grey levels, in every place, up to which an encoder may let the picture before or after stand, as it does in fades:
what changes is less than a step of its quantiser."""
SELDOM = 3
"""One picture that is out of place by so little is excused for each so many that are clearly in place, and one more."""
SAME = 1.0
"""Mean difference of grey levels up to which a picture is one that the source gave before."""
NAMED = 5
LASTING = 48
"""Last pictures of a recording by which it is told how long its last one lasts."""
SOON = 3
"""Pictures behind one whose time falls that may leave room for it, where the next one does not."""


@dataclass(frozen=True)
class Shot:
    """A picture, small and grey."""

    time: Fraction | None
    """Seconds; of the stream from its start, of the source on its own clock."""
    grey: bytes
    marred: bool = False
    """Whether damage before it makes what it shows uncertain."""
    woven: bytes = b""
    """Of one field of a picture: both fields, which is what is shown where nothing moves."""
    decoded: Fraction | None = None
    """Of the source: when the container has it decoded, seconds on its clock."""
    doubted: bool = False
    """Whether `time` is that, because the container's presentation times were found wrong before."""
    again: bool = False
    """Of the source: whether its packet came before, and the clock goes on behind it."""


def settled(shots: Iterable[Shot]) -> Iterator[Shot]:
    """Yield a source's pictures with times of one kind.

    A player that finds presentation times wrong goes on with those of decoding. Its first times are then the others,
    a picture or two off: less than the pictures of a stream that has each second one are apart.
    """
    rest = iter(shots)
    first = list(itertools.islice(rest, SETTLING))
    apart = [abs(shot.time - shot.decoded) for shot in first if shot.time is not None and shot.decoded is not None]
    reordered = bool(first) and first[-1].doubted and max(apart, default=BACK) < BACK  # else one time is wild
    for shot in first:
        yield replace(shot, time=shot.decoded) if reordered and shot.decoded is not None else shot
    yield from rest


def difference(one: Shot, two: Shot) -> float:
    """Return the mean difference of grey levels."""
    return sum(map(abs, map(int.__sub__, one.grey, two.grey))) / max(1, len(one.grey))


def _like_another(other: Shot, ours: Shot) -> float:
    """Return by how much a picture of the stream differs from another of the source, as one field or as both."""
    if not other.woven:
        return difference(other, ours)
    places = zip(other.grey, other.woven, ours.grey, strict=True)
    return sum(min(abs(field - level), abs(both - level)) for field, both, level in places) / max(1, len(other.grey))


def _unlike(source: Shot, ours: Shot) -> tuple[float, int]:
    """Return by how many grey levels a picture of the stream differs from its own of the source: mean and largest.

    Where nothing moves, deinterlacing shows both fields, else one: each place may show either, or a mean of both.
    """
    places = zip(source.grey, source.woven or source.grey, ours.grey, strict=True)
    levels = [max(min(field, both) - level, level - max(field, both), 0) for field, both, level in places]
    return sum(levels) / max(1, len(levels)), max(levels, default=0)


@dataclass
class Followed:
    """What was found."""

    source: int = 0
    """Pictures that the source gives."""
    stream: int = 0
    matched: int = 0
    repeated: int = 0
    """Pictures of the stream that show again what the source shows then, no picture having come since."""
    skipped: list[Fraction] = field(default_factory=list)
    """Times of the source's pictures that the stream does not show, seconds from its start."""
    faults: list[str] = field(default_factory=list)
    marred: int = 0
    """How many of the skipped are marred."""
    astray: int = 0
    """Pictures of the stream behind damage at whose time the source has none."""


def follow(
    source: Iterable[Shot],
    stream: Iterable[Shot],
    step: Fraction,
    ahead: Fraction,
    *,
    even: bool = True,
    lead: Fraction = Fraction(0),
    repeats: int = 0,
    settling: int = SETTLING,
    before: Shot | None = None,
    until: Fraction | None = None,
) -> Followed:
    """Compare a stream with its source.

    Args:
        source: All pictures of the source in the order of decoding.
        stream: All pictures of the stream in order.
        step: Usual distance of pictures, seconds.
        ahead: Seconds by which the source's times may leap before its clock counts as set anew.
        even: Whether pictures come at a constant rate, so that their times may have been moved to it.
        lead: Seconds for which the stream shows the first picture before its time; negative: pictures before the
            stream, which is a part of its film, are none of it.
        repeats: Pictures of the stream that may show again what stands.
        settling: First pictures within which the source's times may settle; none behind its start.
        before: The source's picture in front of the first one.
        until: Seconds from the start of the stream up to which it is followed; a picture more may come from the source.
    """
    found = Followed()
    theirs = _Source(source, step, ahead, step / 2 if even else min(step / 2, UNEVEN), lead)
    slight: list[str] = []
    clear = 0
    for ours in stream:
        assert ours.time is not None
        found.stream += 1
        theirs.expect(ours)
        while (head := theirs.head) is not None and (
            head[0] < ours.time - theirs.slack
            or theirs.next_is_nearer(head[0], ours.time)
            or theirs.twin_is_meant(head[1], ours)
        ):
            unlike = difference(head[1], ours) if found.stream <= settling else UNLIKE
            late = unlike < UNLIKE / 2 and not head[1].again and not theirs.shows_then(ours, unlike)
            if late and theirs.settles(ours.time):
                break
            if head[0] >= -theirs.slack:
                found.skipped.append(head[0])
                found.marred += head[1].marred
            before = theirs.take()
        head = theirs.head
        if found.repeated < repeats and _stands(ours, before, head, theirs.slack):
            found.repeated += 1
            continue
        if head is not None and head[0] > ours.time + theirs.slack and found.stream <= settling:
            theirs.settles(ours.time)
            head = theirs.head
        if head is None or head[0] > ours.time + theirs.slack:
            if before is not None and before.marred:
                found.astray += 1  # from another start, more may decode behind damage, or at other times
            else:
                found.faults.append(f"picture at {float(ours.time):.3f} s: the source has none at that time")
            continue
        own, most = (0.0, 0) if head[1].marred else _unlike(head[1], ours)
        beside = [
            (name, _like_another(other, ours)) for name, other in (("before", before), ("after", theirs.after)) if other
        ]
        clear += bool(beside) and all(own * CLEARLY + LEAST < unlike for _, unlike in beside)
        for name, unlike in beside:
            if own > LEAST and unlike * CLEARLY + LEAST < own:
                kept = slight if most <= SLIGHT else found.faults
                kept.append(f"picture at {float(ours.time):.3f} s shows the source's picture {name} it")
                break
        else:
            if own > UNLIKE:
                found.faults.append(
                    f"picture at {float(ours.time):.3f} s does not show the source's ({own:.0f} levels)"
                )
        found.matched += 1
        theirs.usual = max(theirs.usual * FORGET, own)
        before = theirs.take()
    while (head := theirs.head) is not None and (until is None or head[0] < until - theirs.slack):
        if head[0] >= -theirs.slack:
            found.skipped.append(head[0])
            found.marred += head[1].marred
        theirs.take()
    if len(slight) > 1 + clear // SELDOM:
        found.faults.extend(slight)
    found.source = theirs.count
    return found


def _stands(ours: Shot, before: Shot | None, head: tuple[Fraction, Shot] | None, slack: Fraction) -> bool:
    """Whether the source has no picture at the time of `ours`, which shows its last one, or its first one early."""
    assert ours.time is not None
    if head is not None and head[0] <= ours.time + slack:
        return False
    standing = before or (head[1] if head is not None else None)
    if standing is None:
        return False
    own = 0.0 if standing.marred else _unlike(standing, ours)[0]
    other = difference(head[1], ours) if head is not None else own
    return own <= UNLIKE and not (own > LEAST and other * CLEARLY + LEAST < own)


def judge(found: Followed, excused: int, repeats: int = 0) -> Iterator[str]:
    """Yield what is wrong.

    Args:
        found: What `follow` found.
        excused: Pictures of the source that the report names as lost, dropped or left out.
        repeats: Pictures that the report names as shown again.
    """
    if found.repeated != repeats:
        yield f"{found.repeated} pictures show again what stands, {repeats} are named in the report"
    yield from found.faults[:NAMED]
    if len(found.faults) > NAMED:
        yield f"{len(found.faults) - NAMED} more pictures are not the source's of their time"
    # Where the time of a picture is lost, too, it is a guess: behind damage as many are to be there, at any time.
    missing = len(found.skipped) - min(found.marred, found.astray)
    if missing > excused:
        times = ", ".join(f"{float(one):.3f} s" for one in found.skipped[:NAMED])
        yield (
            f"{missing} of {found.source} pictures of the source are not in the stream, {excused} are named "
            f"in the report; the first at {times}"
        )


class _Source:
    """The source's pictures on one timeline. A picture gets its time when it is the next one."""

    def __init__(self, shots: Iterable[Shot], step: Fraction, ahead: Fraction, slack: Fraction, lead: Fraction) -> None:
        self._shots = iter(shots)
        self._step, self._ahead, self._lead = step, ahead, lead
        self._queue: deque[Shot] = deque()
        self._at: Fraction | None = None
        """Time of the next picture, where it was asked for."""
        self._known: tuple[Fraction, Fraction] | None = None
        """A time of the source's clock, and when its picture is shown."""
        self._latest: Fraction | None = None
        self._began: Fraction | None = None
        """Time of the first picture of this recording, on its clock."""
        self._guessed = False
        """Whether that is a picture's by its place, since its own time is too early."""
        self._part: deque[Fraction] = deque(maxlen=LASTING)
        """Times of the last pictures of this recording, on its clock."""
        self._expected: Shot | None = None
        self._behind = False
        """Whether the source shows again what it showed before."""
        self._given: OrderedDict[Fraction, bytes] = OrderedDict()
        self.usual = 0.0
        """How much pictures have differed from the source's of late."""
        self.slack = slack + Fraction(1, 500)
        self.count = 0

    def expect(self, ours: Shot) -> None:
        """Say what the stream shows next: it tells a clock that starts anew from a stretch that came twice."""
        self._expected = ours

    @property
    def head(self) -> tuple[Fraction, Shot] | None:
        """The next picture and its time."""
        if self._fill(1) < 1:
            return None
        if self._at is None:
            self._at = self._place(self._queue[0])
        return self._at, self._queue[0]

    @property
    def after(self) -> Shot | None:
        """The picture after the next."""
        return self._queue[1] if self._fill(2) > 1 else None

    def next_is_nearer(self, at: Fraction, time: Fraction) -> bool:
        """Whether the picture after the next, at `at`, is the one meant by `time`: some are a tick or two apart."""
        after = self.after
        if at >= time or self._known is None or after is None or after.time is None:
            return False
        following = self._known[1] + after.time - self._known[0]
        return at < following and abs(following - time) < time - at

    def twin_is_meant(self, shot: Shot, ours: Shot) -> bool:
        """Whether the picture after `shot`, the next one, has the same time and is clearly more like `ours`."""
        after = self.after
        if after is None or shot.time is None or after.time != shot.time:
            return False
        return difference(after, ours) * CLEARLY + LEAST < difference(shot, ours)

    def take(self) -> Shot:
        """Take the next picture."""
        self._at = None
        shot = self._queue.popleft()
        if shot.time is not None:
            self._part.append(shot.time)
            self._given.setdefault(shot.time, shot.grey)
            if len(self._given) > REMEMBERED:
                self._given.popitem(last=False)
        return shot

    def shows_then(self, ours: Shot, unlike: float) -> bool:
        """Whether a picture behind the next one is at the time of `ours` and as like it: the next one, which differs
        by `unlike`, is left out of the stream, and its time is right.
        """
        self._fill(LEFT_OUT + 1)
        if self._known is None or ours.time is None:
            return False
        if self._is_fast():
            unlike += LEAST  # where many are alike, one in front of that which is shown may be like it as well
        for shot in itertools.islice(self._queue, 1, LEFT_OUT + 1):
            if shot.time is None:
                continue
            at = self._known[1] + shot.time - self._known[0]
            if abs(at - ours.time) <= self.slack and difference(shot, ours) <= unlike:
                return True
        return False

    def _is_fast(self) -> bool:
        times = [shot.time for shot in itertools.islice(self._queue, 2) if shot.time is not None]
        return len(times) == 2 and 0 < times[1] - times[0] < FAST

    def settles(self, time: Fraction) -> bool:
        """Move the timeline so that the next picture is at `time`."""
        if self._at is None or self._known is None or self._latest is None:
            return False
        by = time - self._at
        self._at, self._latest = time, self._latest + by
        self._known = self._known[0], self._known[1] + by
        return True

    def _fill(self, count: int) -> int:
        while len(self._queue) < count and (shot := next(self._shots, None)) is not None:
            self.count += 1
            self._queue.append(shot)
        return len(self._queue)

    def _place(self, shot: Shot) -> Fraction:
        """Return when a picture is shown, seconds from the start of the stream."""
        if self._latest is None:
            self._latest = self._lead
            if shot.time is not None:
                self._known = shot.time, self._latest
                self._began = shot.time
            return self._latest
        following = self._latest + self._step
        if shot.time is None or self._known is None:
            self._known = (shot.time, following) if shot.time is not None else self._known
            self._latest = following
            return following
        at = self._known[1] + shot.time - self._known[0]
        if shot.again or self._came_before(shot, at):
            return at
        if self._has_time_of_next(shot) and self._step * 3 / 2 <= at - self._latest <= 4 * self._step:
            self._latest = following
            return following
        if abs(at - self._latest) > 2 * self._step and self._is_wild(shot.time):
            self._latest += self._step if self._has_room() else self._step / 4
            return self._latest
        if at <= self._latest - BACK or at - self._latest > self._ahead:
            self._latest += self._lasting()
            self._known = shot.time, self._latest
            self._began = shot.time
            self._part.clear()
            return self._latest
        taken = self._guessed and at - self._latest < self._step / 4 and self._has_room()
        if at <= self._latest or taken:  # the time of the picture before it, or a little less
            back = at <= self._latest - self._step / 2
            more = back or (at == self._latest and self._is_meant(shot))
            room = self._has_room() or (more and self._has_room_for_more())
            self._latest += self._step if room else self._step / 4
            self._guessed = True
            return self._latest
        self._guessed = False
        self._known = shot.time, at
        self._latest = at
        return at

    def _lasting(self) -> Fraction:
        """Return how long the last picture of a recording lasts: as long as its others, where these have a rate."""
        times = sorted(self._part)
        gaps = [after - before for before, after in itertools.pairwise(times) if after > before]
        own = median_low(gaps) if gaps else self._step
        return own if 4 * abs(own - self._step) > self._step else self._step

    def _has_room(self) -> bool:
        """Whether the pictures after the next leave room for one that has no time of its own.

        Where two pictures have the same time, the fields of both do.
        """
        if self._known is None or self._latest is None:
            return True
        self._fill(3)
        for after in itertools.islice(self._queue, 1, 3):
            if after.time is None:
                return True
            goes_on = self._known[1] + after.time - self._known[0]
            if goes_on > self._latest:
                return goes_on >= self._latest + self._step * 3 / 2
        return True

    def _has_room_for_more(self) -> bool:
        """Whether times soon leave room for the next picture and for those between, though the first of these has none.

        Of an encoder that gives times in the order of decoding FFmpeg shows some anchors by a time that is too early:
        that of a key picture is the one that the anchor before it is meant for.
        """
        if self._known is None or self._latest is None:
            return False
        if self._fill(SOON + 1) <= SOON:
            return True  # the film ends
        goes_on = self._known[1] - self._known[0]
        return any(
            after.time is not None and goes_on + after.time >= self._latest + self._step * (2 * number + 1) / 2
            for number, after in enumerate(itertools.islice(self._queue, 1, SOON + 1), 1)
        )

    def _has_time_of_next(self, shot: Shot) -> bool:
        """Whether the next picture has the time of the one behind it, and the stream shows it a step earlier.

        FFmpeg gives it to a picture of a program stream whose header begins in the packet before.
        """
        return self.after is not None and self.after.time == shot.time and self._is_meant(shot)

    def _is_meant(self, shot: Shot) -> bool:
        """Whether the stream shows the next picture a step later than the one before it, and not the one after."""
        expected = self._expected
        if expected is None or expected.time is None or self._latest is None:
            return False
        after = self.after
        later = abs(expected.time - self._latest - self._step) < self._step / 2
        return later and (after is None or difference(shot, expected) < difference(after, expected))

    def _is_wild(self, time: Fraction) -> bool:
        """Whether the clock goes on behind a picture as if it had not been."""
        after = self.after
        if after is None or after.time is None or self._known is None or self._latest is None:
            return False
        goes_on = self._known[1] + after.time - self._known[0] - self._latest
        far = abs(after.time - time) > 4 * self._step
        passed = after.time < time and goes_on >= self._step * 3 / 2  # and there is room for it in front
        return 0 < goes_on <= 4 * self._step and (far or passed)

    def _came_before(self, shot: Shot, at: Fraction) -> bool:
        """Whether a picture whose time fell back is one that was shown then, and not that of another recording."""
        expected = self._expected
        if expected is None or self._latest is None or at > self._latest:
            self._behind = False
            return False
        if not self._behind and at <= self._latest - BACK and self._is_in_front(expected):
            self._behind = self._knows(shot) and shot.time != self._began  # all of it over again is a loop
        elif not self._behind and at <= self._latest - BACK:
            unlike = difference(shot, expected)
            self._behind = unlike > UNLIKE / 4 or (self._knows(shot) and unlike > CLEARLY * self.usual + LEAST)
        return self._behind

    def _is_in_front(self, expected: Shot) -> bool:
        """Whether the next picture is none of a stream that is a part of its film, and `expected` comes only later."""
        if self._latest is None or expected.time is None or self._latest >= 0:
            return False
        return self._latest + self._lasting() < expected.time - self.slack

    def _knows(self, shot: Shot) -> bool:
        """Whether the source gave the same picture with the same time before."""
        grey = self._given.get(shot.time) if shot.time is not None else None
        return grey is not None and difference(shot, Shot(shot.time, grey)) < SAME
