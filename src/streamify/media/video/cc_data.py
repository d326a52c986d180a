"""Captions of a window of the source, without a decoded picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from streamify.media.video.window import WindowPackets, WindowSource
from streamify.model.plan import EntryPoint, Segment

BEHIND = 64
"""Packets in a row behind the window after which none of it follows: pictures are reordered by 16 at most (ITU-T H.264,
A.3.1), and a field can be a packet."""


@dataclass(frozen=True)
class CcData:
    """What was read of a window."""

    captions: tuple[tuple[int, bytes], ...] = ()
    """Presentation times, source ticks, in order, with triples of cc_data."""
    grouped: frozenset[int] = frozenset()
    """Times of those that are for all pictures of a group, as on DVDs."""
    pictures: int = -1
    """Different presentation times of packets."""
    errors: tuple[str, ...] = ()
    """What was said of packets that cannot be read."""
    misread: bool = False
    """Whether other packets were read than the index has."""


def read_cc_data(source: WindowSource, segment: Segment) -> CcData:
    """Return the captions of a segment as its pictures carry them.

    Packets are read from the nearest entry point on. Where some of the window are not behind it, the one before it is
    taken, and finally the start of the file, as `decode_window` does; where others were read than the index has, all
    of it from the start of the file.

    Args:
        source: Where the bytes are.
        segment: The window.
    """
    found = _best(source, segment)
    return _best(replace(source, through=True), segment) if found.misread and not source.through else found


def _best(source: WindowSource, segment: Segment) -> CcData:
    end = segment.source_end if segment.source_end is not None else source.end
    starts: list[EntryPoint | None] = [*segment.entries, None]
    if segment.packets is not None and segment.packets.anew is not None:
        starts.pop()  # the file has its packets in another order
    best = CcData()
    for entry in starts:
        with WindowPackets(source, segment, entry) as packets:
            pictures = len({*_inside(packets, segment.source_start, end)})
            if pictures > best.pictures:
                captions = (one for one in packets.captions if segment.source_start <= one[0] < end)
                ordered = tuple(sorted(captions, key=lambda one: one[0]))
                misread = segment.marks not in (None, packets.marks)
                best = CcData(ordered, frozenset(packets.grouped), pictures, tuple(packets.errors), misread)
        if pictures >= segment.frames:
            break
    return best


def _inside(packets: WindowPackets, start: int, end: int) -> Iterator[int]:
    """Read packets up to the last one of the window; yield the times of those inside."""
    behind = 0
    for packet in packets.read():
        if packet is None or packet.pts is None or packet.is_discard:
            continue
        behind = behind + 1 if packet.pts >= end else 0
        if start <= packet.pts < end:
            yield packet.pts
        if behind > BEHIND:
            return
