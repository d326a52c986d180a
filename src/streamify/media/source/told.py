"""What a source itself says of clock and edit list, read anew: no plan, no index of ours.

For judging.
"""

from __future__ import annotations

import io
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import BinaryIO, cast
from zlib import crc32

from av.video.stream import VideoStream

from streamify.bitstream.theora import HEADER
from streamify.media.source.joints import Restarts
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, offset_of, read_packets
from streamify.model.limits import INDEX_BYTES, PICTURES
from streamify.model.source import ClockBreak, EditPart
from streamify.mp4.boxes import BoxError
from streamify.mp4.movie import read_layout
from streamify.mp4.told_edits import ToldEdits, told_edits

FALLS = Fraction(1, 2)
"""Seconds by which decode times must fall for the clock to have been set anew."""
LEAPS = Fraction(10)
"""Seconds by which they must rise, in a transport or program stream, for the clock to have been set."""
ASIDE = 3
"""Most packets in a row that may have wild times while the clock goes on."""
NEAR = Fraction(2)
"""Seconds within which a clock goes on behind those."""
AROUND = 48
"""Packets on either side of a break whose times say when the last and the first picture are shown."""
TWICE = 3
"""Packets in a row that came before, at least, where a stretch is in the file twice."""


def told_list(open_source: Callable[[], BinaryIO], stream: int) -> ToldEdits | None:
    """Return the edit list of a video stream of an MP4 or MOV; ``None``: there is none that counts."""
    with open_source() as file:
        with open_media(file) as container:
            name, track = container.format.name, container.streams[stream].id
        if not name.startswith("mov"):
            return None
        size = file.seek(0, io.SEEK_END)
        try:
            moov = read_layout(file, size).first(b"moov")
            if moov is None or moov.end - moov.body > INDEX_BYTES:
                return None
            file.seek(moov.body)
            told = told_edits(bytes(file.read(moov.end - moov.body)), track)
        except BoxError:
            return None
    return told


def told_parts(told: ToldEdits | None) -> tuple[EditPart, ...]:
    """Return the parts of an edit list that has several, ticks of the track; else none."""
    if told is None or len(told.parts) < 2:
        return ()
    found = []
    for part in told.parts:
        assert part.seconds is not None
        at, end = (_ticks(seconds, told.timescale) for seconds in (part.at, part.at + part.seconds))
        found.append(EditPart(at=at, begin=part.begin, end=_unrounded(told, part.begin, part.begin + end - at)))
    return tuple(found)


def _unrounded(told: ToldEdits, begin: int, end: int) -> int:
    """Return where a part ends; in front of a picture of which it shows less than half, and less than a tick of its
    length, which is rounded up.
    """
    times = told.times
    last = bisect_left(times, end) - 1
    if last < 1 or times[last] <= begin:
        return end
    lasting = times[last + 1] - times[last] if last + 1 < len(times) else times[last] - times[last - 1]
    rest = end - times[last]
    return times[last] if 2 * rest < lasting and rest * told.movie < told.timescale else end


def told_start(told: ToldEdits | None) -> Fraction | None:
    """Return when the first picture is shown by an edit list of one part, seconds; ``None``: there is none."""
    if told is None or len(told.parts) != 1 or told.earliest is None:
        return None
    return told.parts[0].at + Fraction(told.earliest - told.parts[0].begin, told.timescale)


def _ticks(seconds: Fraction, timescale: int) -> int:
    return int(seconds * timescale + Fraction(1, 2))


def told_breaks(open_source: Callable[[], BinaryIO], stream: int) -> tuple[ClockBreak, ...]:
    """Return where the clock of a video stream is set anew or jumps, by the times of its packets in the order of the
    file. In an MP4 or MOV it cannot, but for one of fragments.
    """
    with open_source() as file, open_source() as beside, open_media(file) as container:
        name, video = container.format.name, cast("VideoStream", container.streams[stream])
        if name.startswith("mov") and not _of_fragments(beside):
            return ()
        keep_only(container, video)
        seen, base = _Seen(), cast("Fraction", video.time_base)
        theora = video.codec_context.name == "theora"  # a chained Ogg has its headers again
        restarts = Restarts(beside, container, base)
        try:
            for packet, border, again in restarts.read(read_packets(container, video)):
                if packet.size and not again and len(seen.prints) < PICTURES:
                    data = bytes(packet)
                    if theora and data[0] & HEADER:
                        continue
                    time = packet.dts if packet.dts is not None else packet.pts
                    shown = packet.pts if packet.pts is not None else packet.dts
                    if time is not None and shown is not None:
                        if border is not None:
                            seen.borders[len(seen.times)] = border
                        seen.add(time, shown, offset_of(packet), crc32(data))
        except UnreadableError:
            pass  # the container ends in damage; the plan's notes say so
    return seen.breaks(base, leaps=name in ("mpegts", "mpeg"))


def _of_fragments(file: BinaryIO) -> bool:
    try:
        return read_layout(file, file.seek(0, io.SEEK_END)).first(b"moof") is not None
    except BoxError:
        return False


@dataclass
class _Seen:
    """The packets of a stream that have a time, in the order of the file; times in ticks."""

    times: array[int] = field(default_factory=lambda: array("q"))
    shown: array[int] = field(default_factory=lambda: array("q"))
    positions: array[int] = field(default_factory=lambda: array("q"))
    prints: array[int] = field(default_factory=lambda: array("L"))
    borders: dict[int, int] = field(default_factory=dict)
    """Byte offsets at which recordings begin by what the container says, by the numbers of their first packets."""

    def add(self, time: int, shown: int, position: int | None, mark: int) -> None:
        self.times.append(time)
        self.shown.append(shown)
        self.positions.append(-1 if position is None else position)
        self.prints.append(mark)

    def breaks(self, base: Fraction, *, leaps: bool) -> tuple[ClockBreak, ...]:
        """Return where the clock does not go on.

        Args:
            base: Seconds per tick.
            leaps: Whether it may jump ahead.
        """
        rises = [after - before for before, after in pairwise(self.times) if after > before]
        step = median_low(rises) if rises else 0
        falls, leap, near = (round(seconds / base) for seconds in (FALLS, LEAPS, NEAR))
        found, first, shift, at = list[ClockBreak](), 0, 0, 0
        last: int | None = None
        latest = deque[int](maxlen=AROUND)
        copies = Copies(self.times, self.prints)
        while at < len(self.times):
            moved = 0 if last is None else self.times[at] - last
            border = self.borders.get(at)
            if last is None or (border is None and moved >= -falls and not (leaps and moved > leap)):
                last = self.times[at]
                latest.append(self.shown[at])
                at += 1
                continue
            aside = self._aside(at, last, near) if border is None else 0
            passed = aside or copies.behind(first, at, last, step)
            if border is None and not passed and len(self.times) - at <= ASIDE:
                passed = len(self.times) - at  # wild as well: no recording is that short
            if passed:
                at += passed
                continue
            shift += max(latest) + self._lasting(first, at, step) - self._earliest(at, near)
            position = self.positions[at] if border is None else border
            exact = border is not None
            found.append(ClockBreak(at=Fraction(0), position=position, shift=shift * base, exact=exact))
            first, last = at, None
            latest.clear()
        return tuple(found)

    def _lasting(self, first: int, at: int, usual: int) -> int:
        """Return how long the last picture lasts of a part that may have a rate of its own."""
        rises = [after - before for before, after in pairwise(self.times[first:at]) if after > before]
        own = median_low(rises) if rises else usual
        return own if 4 * abs(own - usual) > usual else usual

    def _earliest(self, at: int, near: int) -> int:
        """Return when the first picture from a packet on is shown."""
        stop = min(len(self.times), at + AROUND)
        stop = next((one for one in range(at + 1, stop) if one in self.borders), stop)
        return min(self.shown[one] for one in range(at, stop) if abs(self.times[one] - self.times[at]) <= near)

    def _aside(self, at: int, last: int, near: int) -> int:
        """Return how many packets have wild times, behind which the clock goes on; 0: none."""
        ends = range(at + 1, min(at + ASIDE + 1, len(self.times)))
        return next((end - at for end in ends if 0 < self.times[end] - last <= near), 0)


class Copies:
    """Finds stretches that came before; asked of rising places, each packet is looked at a few times.

    Args:
        times: When each packet is decoded, ticks.
        prints: Of their bytes.
    """

    def __init__(self, times: Sequence[int], prints: Sequence[int]) -> None:
        self._times, self._prints = times, prints
        self._known: set[tuple[int, int]] = set()
        self._first = self._until = self._done = 0
        self.looked = 0
        """Packets that were looked at."""

    def behind(self, first: int, at: int, last: int, step: int) -> int:
        """Return how many packets from one on came before, with the same bytes and times, where the clock goes on
        behind them.

        Args:
            first: Where the recording begins.
            at: The first of them.
            last: Time of the packet in front of it, ticks.
            step: Usual distance of packets, ticks.
        """
        if first != self._first:
            self._known.clear()
            self._first = self._until = first
        self._known.update(zip(self._times[self._until : at], self._prints[self._until : at], strict=True))
        self.looked += at - self._until
        self._until = at
        if at < self._done:
            return 0  # within what was looked at
        end, most = at, at + at - first
        while end < min(len(self._times), most) and (self._times[end], self._prints[end]) in self._known:
            end += 1
        self.looked += end - at
        self._done = end
        if end - at < TWICE:
            return 0
        if end - at == at - first:  # all of it over again is a loop, unless the next packet follows
            return end - at if end < len(self._times) and 0 < self._times[end] - last <= max(step * 3 // 2, 1) else 0
        goes_on = end == len(self._times) or 0 <= self._times[end] - last <= max(8 * step, 1)
        return end - at if goes_on else 0
