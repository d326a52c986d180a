"""Reading a splice from one of its entry points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO, cast

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streamify.bitstream.packets import print_of
from streamify.media.source.opening import open_media
from streamify.media.source.reading import offset_of, read_packets, seek_to
from streamify.media.source.splice import SplicedFile
from streamify.model.plan import EntryPoint, PacketTimes, Segment, Splice


def open_splice(
    file: SplicedFile, splice: Splice, stream: int, *, decoded: bool = True
) -> tuple[InputContainer, VideoStream]:
    """Open a splice and return the stream that has index `stream` in the source (a slice has only that one).

    For `decoded` see `open_media`.
    """
    container = open_media(cast("BinaryIO", file), format=splice.format, decoded=decoded)
    streams = container.streams
    return container, cast("VideoStream", streams[0 if len(streams) == 1 else stream])


def packets_from(
    container: InputContainer, stream: VideoStream, entries: Sequence[EntryPoint], entry: EntryPoint, *, sliced: bool
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a splice from `entry` to the end, in source time; none at all where it is not there.

    A slice counts decode time from 0 at ``entries[-1]`` and is sought in. Of other splices the stream's first packet is
    that of ``entries[-1]``: its time tells how far their clock is from the source's (MPEG-TS wraps).
    """
    shift: int | None = None
    if sliced:
        shift = entries[-1].dts
        if entry != entries[-1] and not seek_to(container, entry.dts - shift, stream):
            return
    found = False
    for packet in read_packets(container, stream):
        time = packet.pts if packet.pts is not None else packet.dts
        if shift is None and time is not None:
            shift = entries[-1].pts - time
        found = found or (time is not None and shift is not None and time + shift == entry.pts)
        if found and shift is not None:
            if packet.pts is not None:
                packet.pts += shift
            if packet.dts is not None:
                packet.dts += shift
            yield packet


START_CODES = (b"\0\0\1", b"\0\0\0\1")
"""What a coded picture of a program stream begins with (ISO/IEC 13818-1, 2.5)."""


def untorn(packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a program stream behind a seek that may have led into a picture.

    FFmpeg gives the rest of that picture the time of the next one, which is that of the entry, and so does this.
    """
    for number, packet in enumerate(packets):
        if number == 0 and not bytes(packet).startswith(START_CODES):
            following = next(packets, None)
            if following is None:
                return
            following.pts, following.dts = packet.pts, packet.dts
            packet = following
        yield packet


def sought_packets(
    container: InputContainer, stream: VideoStream, entry: EntryPoint, *, known: bool = False
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a whole file behind a seek to an entry point; none where FFmpeg cannot seek.

    Args:
        container: Of the whole file.
        stream: Of pictures.
        entry: What is sought.
        known: Whether its packet is recognised among those that come: the seek then may lead to before it.
    """
    # Matroska is sought in by presentation time, all others by decode time.
    by_pts = "matroska" in container.format.name
    target = entry.pts if by_pts else min(entry.pts, entry.dts)
    program = container.format.name == "mpeg"
    if program and known:
        target -= int(BEFORE / cast("Fraction", stream.time_base))
    if not seek_to(container, target, stream):
        return iter(())
    packets = read_packets(container, stream)
    return untorn(packets) if program and not known else packets


BEFORE = Fraction(1, 2)
"""Seconds before an entry point of a program stream to which a seek leads where its packet is known: so that it is read
whole."""
SOUGHT = 5000
"""Packets read at most behind a seek to find the one that was sought."""


def numbered_packets(
    packets: Iterator[Packet[VideoStream]],
    segment: Segment,
    given: PacketTimes,
    entry: int | None,
    *,
    number: int | None,
) -> Iterator[Packet[VideoStream] | None]:
    """Yield packets from an entry point to the end of the stretch, each with the time that the plan gives it; ``None``
    where decoding begins anew.

    Args:
        packets: From the start of the splice, from where a seek led, or from the start of the file.
        segment: Whose pictures are wanted.
        given: The plan's times of its packets.
        entry: Which of the entry points to begin at; ``None``: decode from the first packet on.
        number: Of the first packet that is read; ``None``: where a seek led, it is not known.
    """
    number = None if number is None else number - 1
    begin = given.numbers[entry] if entry is not None else 0
    passed, anew = 0, frozenset(given.anew or ())
    for packet in packets:
        if not packet.size:
            continue
        if number is None:
            passed += 1
            if entry is None or not _is_at(packet, segment.entries[entry], given, entry):
                if passed > SOUGHT:
                    return
                continue
            number = given.numbers[entry]
        else:
            number += 1
        place = number - given.first
        if place >= len(given.times):
            return
        if number >= begin:
            time = given.times[place] if place >= 0 else None
            packet.pts = None if time is None else time + segment.earliest
            if number > begin and number in anew:
                yield None
            yield packet


def _is_at(packet: Packet[VideoStream], entry: EntryPoint, given: PacketTimes, place: int) -> bool:
    """Return whether a packet behind a seek is that of an entry point."""
    known = given.prints[place] if given.prints else None
    if known is not None:
        return print_of(bytes(packet)) == known
    if given.positions[place] >= 0:
        return offset_of(packet) == given.positions[place]
    return packet.dts == entry.dts and packet.pts in (None, entry.pts)
