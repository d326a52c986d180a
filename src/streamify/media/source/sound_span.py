"""When sound begins and ends beside the pictures: by the index of the source, else by its packets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from typing import BinaryIO, cast

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.index import IndexEntries
from av.packet import Packet
from av.stream import Discard, Stream

from streamify.media.audio.clock import SoundClock
from streamify.media.source.opening import open_media
from streamify.media.source.reading import UnreadableError, decode, decoder, offset_of, read_packets, seek_to
from streamify.model.source import AudioFacts, ClockBreak, VideoFacts
from streamify.mp4.boxes import BoxError
from streamify.mp4.movie import read_layout

HOLE = 10
"""Seconds without sound across which it is not followed away from the pictures: a stray time must not make hours."""
BACK = 2
"""Seconds before the end of the pictures from which on packets are read."""
SETTLING = 100
"""Packets of each stream that are decoded, at most, to hear when it begins."""


def indexed_ends(
    container: InputContainer, file: BinaryIO, size: int, video: int, audio: Iterable[AudioFacts]
) -> dict[int, int] | None:
    """Return where the streams of an MP4 or MOV end by its index, ticks; ``None``: it has none.

    Args:
        container: Freshly opened.
        file: The same source.
        size: Its size, bytes.
        video: Index of the video stream.
        audio: The streams.
    """
    if not container.format.name.startswith("mov"):
        return None
    try:
        if read_layout(file, size).first(b"moof") is not None:
            return None
    except BoxError:
        return None
    pictures = container.streams[video]
    shown = pictures.index_entries
    if not len(shown) or pictures.time_base is None:
        return None
    last = shown[len(shown) - 1].timestamp * pictures.time_base
    return {one.stream: end for one in audio if (end := _indexed_end(container, one, last, size)) is not None}


def cut_sound(container: InputContainer, size: int, audio: Iterable[AudioFacts]) -> dict[int, tuple[int, int]]:
    """Return of the sound of an MP4 that reaches beyond the end of the file where it ends, and where it would, ticks.

    Args:
        container: Freshly opened; one with an index, and not of fragments.
        size: Of the file, bytes.
        audio: The streams.
    """
    found = {}
    for one in audio:
        entries = container.streams[one.stream].index_entries
        held, count = _held(entries, size), len(entries)
        if held < count:
            step = entries[count - 1].timestamp - entries[count - 2].timestamp if count > 1 else 0
            found[one.stream] = entries[held].timestamp, entries[count - 1].timestamp + step
    return found


def _held(entries: IndexEntries, size: int) -> int:
    """Return how many entries, from the first one on, lie in a file of `size` bytes."""
    held = len(entries)
    while held and entries[held - 1].pos + entries[held - 1].size > size:
        held -= 1
    return held


def _indexed_end(container: InputContainer, audio: AudioFacts, last: Fraction, size: int) -> int | None:
    stream = container.streams[audio.stream]
    entries = stream.index_entries
    number = count = _held(entries, size)
    if not count:
        return None
    while number > 1 and entries[number - 1].timestamp * audio.time_base > last:
        number -= 1
    at, step = entries[number - 1].timestamp, 0
    for place in range(number, count):
        step = entries[place].timestamp - at
        if step * audio.time_base > HOLE:
            break
        at += step
    if not step and number > 1:
        step = at - entries[number - 2].timestamp
    end = at + step
    declared = (stream.start_time or 0) + stream.duration if stream.duration else end
    return declared if abs(declared - end) <= step else end  # it is exact where the last packet is cut


def read_ends(
    open_source: Callable[[], BinaryIO], video: VideoFacts, audio: Sequence[AudioFacts], breaks: Sequence[ClockBreak]
) -> dict[int, int]:
    """Return where streams end by their packets from the end of the pictures on, ticks; those that end before are left
    out.
    """
    ends: dict[int, Fraction] = {}
    last = video.end * video.time_base
    closed = set[int]()
    bases = {one.stream: one.time_base for one in audio}
    back = video.end - int(BACK / video.time_base)
    with open_source() as file, ExitStack() as stack:
        container = stack.enter_context(open_media(file))
        # With breaks from the start: only the order of the file tells which part of the clock counts.
        if not breaks and not seek_to(container, back, container.streams[video.stream]):
            container = stack.enter_context(open_media(file))
        _listen(container, bases)
        for number, start, length in _sounds(container, audio, breaks):
            if start - ends.get(number, last) > HOLE:
                closed.add(number)
            if number not in closed:
                ends[number] = max(ends.get(number, start), start + length)
    return {number: round(end / bases[number]) for number, end in ends.items()}


def read_starts(open_source: Callable[[], BinaryIO], video: VideoFacts, audio: Sequence[AudioFacts]) -> dict[int, int]:
    """Return where streams begin that claim to begin long before the pictures, ticks: only sound that goes on to the
    pictures counts.
    """
    first = video.first * video.time_base
    early = [one for one in audio if one.begin is not None and first - one.begin > HOLE]
    starts: dict[int, Fraction] = {}
    before: dict[int, Fraction] = {}
    if not early:
        return {}
    bases = {one.stream: one.time_base for one in early}
    with open_source() as file, open_media(file) as container:
        _listen(container, bases)
        for number, start, length in _sounds(container, early, ()):
            if number not in before or start - before[number] > HOLE:
                starts[number] = start
            before[number] = start + length
            if all(before.get(stream, start) >= first for stream in bases):
                break
    return {number: round(start / bases[number]) for number, start in starts.items()}


def heard_from(open_source: Callable[[], BinaryIO], audio: Sequence[AudioFacts]) -> tuple[AudioFacts, ...]:
    """Return facts of sound without pictures with when it is first heard: decoders leave out what encoders put in front
    of it, of WMA two frames, of MP3 and Opus their delay, and the container does not say so.

    Of counted sound that begins with packets that do not decode the packets say when it begins: the rest is lost.
    """
    starts: dict[int, Fraction] = {}
    refused: list[str] = []
    counted = {one.stream for one in audio if one.counted}
    with open_source() as file, open_media(file) as container:
        waiting = {one.stream for one in audio if one.stream < len(container.streams)}  # others are found late
        _listen(container, dict.fromkeys(waiting))
        contexts = {number: decoder(cast("AudioStream", container.streams[number])) for number in waiting}
        packets = read_packets(container, *(container.streams[number] for number in waiting))
        for _ in range(SETTLING * len(waiting)):
            packet = _next(packets)
            if packet is None or not waiting:
                break
            number = packet.stream_index
            if number in waiting:
                times = (one.pts * one.time_base for one in decode(contexts[number], packet, refused.append)
                         if one.pts is not None and one.time_base is not None)  # fmt: skip
                if (first := next(times, None)) is not None:
                    starts[number] = first
                    waiting.discard(number)
                elif refused and number in counted:
                    waiting.discard(number)
                refused.clear()
    return tuple(_begun(one, starts[one.stream]) if one.stream in starts else one for one in audio)


def _begun(audio: AudioFacts, begin: Fraction) -> AudioFacts:
    start, before = round(begin / audio.time_base), audio.start or 0
    if not audio.counted or audio.duration is None:
        return audio.model_copy(update={"start": start})
    if start <= before:
        return audio
    return audio.model_copy(update={"start": start, "duration": audio.duration - (start - before) * audio.time_base})


def _listen(container: InputContainer, streams: Mapping[int, object]) -> None:
    for stream in container.streams:
        if stream.index not in streams:
            stream.discard = Discard.all


def _sounds(
    container: InputContainer, audio: Sequence[AudioFacts], breaks: Sequence[ClockBreak]
) -> Iterator[tuple[int, Fraction, Fraction]]:
    """Yield stream, time and length of each packet of sound, seconds."""
    streams = [container.streams[one.stream] for one in audio]
    clocks = {one.stream: SoundClock(breaks) for one in audio}
    bases = {one.stream: one.time_base for one in audio}
    expected = {one.stream: one.begin or Fraction(0) for one in audio}
    packets = read_packets(container, *streams)
    while (packet := _next(packets)) is not None:
        if packet.pts is None or not packet.size:
            continue
        number = packet.stream_index
        length = (packet.duration or 0) * bases[number]
        time = packet.pts * bases[number]
        if breaks:
            time = clocks[number].at(time, expected[number], offset_of(packet))
        expected[number] = time + length
        yield number, time, length


def _next(packets: Iterator[Packet[Stream]]) -> Packet[Stream] | None:
    """Return the next packet; ``None`` at the end, also where it is damage that ends it."""
    try:
        return next(packets, None)
    except UnreadableError:
        return None
