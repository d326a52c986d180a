"""The pictures of a video stream, and where the bytes of any window of them are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from operator import le
from typing import Literal

from streamify.bitstream.packets import NONE, Marks
from streamify.media.source.audio_packets import AudioPackets
from streamify.media.source.captions import Captions
from streamify.media.source.proof import Cut
from streamify.media.source.unreadable import Stretch
from streamify.model.plan import EntryPoint, PacketTimes, Segment, Splice
from streamify.model.source import ClockBreak, EditPart, Gap, Note
from streamify.mp4.samples import Order, Samples

Access = Literal["sliced", "spliced", "whole"]


@dataclass(frozen=True)
class VideoIndex:
    """The pictures of a video stream."""

    time_base: Fraction
    """Seconds per tick."""
    pts: Sequence[int]
    """Sorted, distinct presentation times of all promised pictures, source ticks, as FFmpeg reports them."""
    end: int
    """End of the last picture, source ticks."""
    access: Access
    scanned: bool
    """Whether the source was read from end to end for this."""
    notes: tuple[Note, ...]
    coded: int
    """Pictures to be shown, counted in another way: in the bitstream by the scan, else by the container's samples."""
    left_out: int
    """Of these, how many the notes name as left out."""
    breaks: tuple[ClockBreak, ...]
    """Where the source's clock does not go on."""
    gaps: tuple[Gap, ...]
    """Where pictures are missing."""
    tail: Stretch | None
    """What cannot be read behind the last picture."""
    _order: Order = field(repr=False)
    _cut: Cut | None = field(repr=False)
    _numbering: Numbering | None = field(default=None, repr=False)
    audio_packets: AudioPackets | None = field(default=None, repr=False)
    """The packets of sound, where the source was scanned for want of an index."""
    captions: Captions | None = None
    """Those inside the pictures, as far as they were seen."""
    missing: int = 0
    """Bytes that the file lacks of the samples that its index names."""
    torn: bool = False
    """Whether its index is damaged, so that what it adds up to says nothing of what is there."""
    edits: tuple[EditPart, ...] = ()
    """The parts of the container's edit list, where it has several."""
    late: int = 0
    """By how much later than that the container's edit list shows all pictures, ticks."""
    count: Callable[[int, int], tuple[int, int]] | None = field(default=None, repr=False)
    """Counts pictures in ``[start, end)`` (source ticks) as `coded` and `left_out`; ``None``: FFmpeg's index does."""
    marks: Marks | None = field(default=None, repr=False)
    """Which packet has which time, where each was read."""
    until: int | None = None
    """Source tick at which a part of the film ends that is all that is asked for; ``None``: to the end."""

    def weight(self, start: int, end: int | None) -> int:
        """Return about how many bytes of the source show ``[start, end)`` (source ticks)."""
        return self._order.weight(start, self.until if end is None else end)

    def doubles(self, start: int, end: int) -> int:
        """Return how many packets in ``[start, end)`` (source ticks) have the time of another one."""
        times = [time for time in self._order.samples.pts if start <= time < end]
        return len(times) - len(set(times))

    def key_times(self, start: int, end: int) -> Sequence[int]:
        """Return when the keyframes in ``[start, end)`` are shown; where there is none, the last one before `start`."""
        return self._order.key_times(start, end)

    def preroll(self, start: int) -> int:
        """Return how many packets are decoded to reach `start` (source ticks) from the nearest entry."""
        return self._order.preroll(start)

    def stretch(self, start: int, end: int) -> Segment | None:
        """Return what lies in ``[start, end)`` (source ticks) as a segment of no stream; ``None``: nothing does."""
        times = {time for time in self._order.samples.pts if start <= time < end}
        if not times:
            return None
        first = min(times)
        found = self.locate(first, end)
        return Segment(
            index=0,
            start=0,
            end=0,
            source_start=first,
            source_end=end,
            frames=len(times),
            first=first,
            next=end,
            entries=found.entries,
            splice=found.splice,
            packets=found.packets,
            marks=found.marks,
        )

    def locate(self, start: int, end: int | None) -> Located:
        """Return where decoding for ``[start, end)`` (source ticks) may begin, nearest first, and where the bytes are.

        The stream's first packet in the splice is that of the farthest entry point. The splice holds what the window
        and the two pictures after it need. ``end=None``: to the end of the stream. No splice: the whole file is opened
        and sought in.
        """
        samples = self._order.samples
        numbers = self._order.entries(start)
        end = self.until if end is None else end
        last = max(self._order.last(end), numbers[0])
        splice = self._cut(numbers[-1], last) if self._cut else None
        if self._numbering is not None:
            found = self._numbering.located(numbers, last, start, splice)
        else:
            entries = tuple(EntryPoint(pts=samples.pts[one], dts=samples.dts[one], number=one) for one in numbers)
            found = Located(entries, splice)
        if self.marks is None:
            return found
        return replace(found, marks=self.marks.within(start, self.end if end is None else end))


@dataclass(frozen=True)
class Located:
    """Where a window's bytes are."""

    entries: tuple[EntryPoint, ...]
    splice: Splice | None
    packets: PacketTimes | None = None
    marks: int | None = None
    """Sum of the marks of the packets in the window: see `Segment.marks`."""


@dataclass(frozen=True)
class Numbering:
    """Packets by their number, in streams whose own times cannot be used."""

    raw: Samples
    """With the times that FFmpeg reports, or `NONE`."""
    positions: Sequence[int]
    times: Sequence[int]
    """Of each packet, ticks; `NONE`: shows no picture."""
    prints: Sequence[int] | None = None
    """Of the bytes of each packet; ``None``: they were not read."""
    firsts: Sequence[int] | None = None
    """First packet of each part of an edit list that has several; then the packets are not in the file's order."""

    def located(self, numbers: Sequence[int], last: int, start: int, splice: Splice | None) -> Located:
        """Return where decoding from some packets, nearest first, up to the packet `last` finds them.

        Without a splice an entry point is sought, and known again by the bytes of its packet, by its offset or by its
        times; one that none of them tells from all others is left out. Where none is left, tasks read from the start of
        the file.
        """
        first = numbers[-1]
        offsets = self._offsets_differ
        sought = numbers
        if splice is None and not offsets:
            sought = tuple(one for one in numbers if self._print_tells(one) or self._time_tells(one))
        times = (None if time == NONE else time - start for time in self.times[first : last + 1])
        return Located(
            tuple(self._entry(number) for number in sought),
            splice,
            PacketTimes(
                first=first,
                numbers=tuple(sought),
                positions=tuple(self.positions[number] if offsets else -1 for number in sought),
                prints=tuple(self._print(number) for number in sought),
                times=tuple(times),
                anew=None if self.firsts is None else tuple(n for n in self.firsts if first <= n <= last),
            ),
        )

    def _entry(self, number: int) -> EntryPoint:
        pts, dts = self.raw.pts[number], self.raw.dts[number]
        counted = number if self.firsts is None else None
        return EntryPoint(pts=_known(pts, dts), dts=_known(dts, pts), number=counted)

    def _print(self, number: int) -> int | None:
        return self.prints[number] if self.prints is not None and self._print_tells(number) else None

    def _print_tells(self, number: int) -> bool:
        """Whether no other packet has the same bytes."""
        return self.prints is not None and self._print_uses[self.prints[number]] == 1

    @cached_property
    def _print_uses(self) -> Counter[int]:
        return Counter(self.prints)

    @cached_property
    def _offsets_differ(self) -> bool:
        return min(self.positions) >= 0 and len(set(self.positions)) == len(self.positions)

    def _time_tells(self, number: int) -> bool:
        """Whether a packet has a decode time of its own."""
        times = self.raw.dts
        return self._times_rise and times[number] not in (
            *times[max(0, number - 1) : number],
            *times[number + 1 : number + 2],
        )

    @cached_property
    def _times_rise(self) -> bool:
        return NONE not in self.raw.dts and all(map(le, self.raw.dts, islice(self.raw.dts, 1, None)))


def _known(time: int, other: int) -> int:
    return time if time != NONE else other if other != NONE else 0
