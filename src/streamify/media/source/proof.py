"""Proof, at split and for each source, that splices read like the whole file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import BinaryIO, cast

from av.packet import Packet
from av.video.stream import VideoStream

from streamify.bitstream.packets import print_of
from streamify.errors import SourceError
from streamify.media.source.entering import open_splice, packets_from, sought_packets
from streamify.media.source.opening import open_media
from streamify.media.source.reading import read_packets
from streamify.media.source.splice import SplicedFile
from streamify.model.plan import EntryPoint, Splice
from streamify.mp4.samples import Order, Samples

Cut = Callable[[int, int], Splice | None]
"""From the first and the last packet, both included, to where their bytes are."""

PROBES = 3
PROBE_PACKETS = 8
"""How many splices of a source are opened at split, and how many packets of each are compared."""
SOUGHT = 5
"""How many keyframes of a source that cannot be cut are sought at split."""
MOST_BEFORE = 1000
"""Packets that may come behind a seek in front of those that are compared."""


def seeks_lead_back(file: BinaryIO, stream: int, order: Order, prints: Sequence[int]) -> bool:
    """Whether the packets behind a seek are those of the index, each with the time that it has there.

    They are not where a time belongs to bytes of the container and not to a picture: what a parser makes of it depends
    on where reading began. Some keyframes are sought, and of each some packets compared.
    """
    samples = order.samples
    for number in order.keyframes(SOUGHT):
        last = max(min(number + PROBE_PACKETS, order.last(None)), number)
        wanted = [(samples.pts[at], prints[at]) for at in range(number, last + 1)]
        entry = EntryPoint(pts=samples.pts[number], dts=samples.dts[number])
        seen: list[tuple[int | None, int]] = []
        try:
            with open_media(file) as container:
                video = cast("VideoStream", container.streams[stream])
                for packet in islice(filter(_holds, sought_packets(container, video, entry)), MOST_BEFORE):
                    if seen or packet.pts == entry.pts:
                        seen.append((packet.pts, print_of(bytes(packet))))
                    if len(seen) == len(wanted):
                        break
        except SourceError:
            return False
        if seen != wanted:
            return False
    return True


def _holds(packet: Packet[VideoStream]) -> bool:
    return bool(packet.size)


def reproduces(
    file: BinaryIO, stream: int, order: Order, cut: Cut, *, sliced: bool, raw: Samples | None = None
) -> bool:
    """Open splices at the first, a middle and the last keyframe; compare their packets with those of the whole file.

    False also where none of these places can be cut. Packets whose own times cannot be used (`raw`: what FFmpeg reports
    of them) are compared by their sizes, from the first one in the splice on.
    """
    samples = order.samples if raw is None else raw
    proven = 0
    for number in order.keyframes(PROBES):
        last = max(min(number + PROBE_PACKETS, order.last(None)), number)
        splice = cut(number, last)
        if splice is None:
            continue
        wanted = [(samples.pts[at], samples.sizes[at]) for at in range(number, last + 1)]
        entry = EntryPoint(pts=samples.pts[number], dts=samples.dts[number])
        seen: list[tuple[int | None, int]] = []
        try:
            container, video = open_splice(SplicedFile(splice, file), splice, stream, decoded=not sliced)
            with container:
                packets = packets_from(container, video, (entry,), entry, sliced=sliced)
                for packet in packets if raw is None else read_packets(container, video):
                    if not packet.size or len(seen) == len(wanted):
                        break
                    time = packet.pts if packet.pts is not None else packet.dts
                    seen.append((time if raw is None else wanted[len(seen)][0], packet.size))
        except SourceError:
            return False
        if seen != wanted:
            return False
        proven += 1
    return proven > 0
