"""The sound of a source that is read from end to end: how many samples its packets hold, and when they are heard."""

from __future__ import annotations

import contextlib
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, cast

import av.logging
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from streamify.bitstream.pace import wrong_pace
from streamify.bitstream.packets import NONE, print_of
from streamify.bitstream.sound import SoundReader, sound_reader
from streamify.bitstream.soundline import SECOND, Coded
from streamify.media.audio.clock import SoundClock
from streamify.media.source.choice import has_decoder
from streamify.media.source.loudspeakers import loudspeakers
from streamify.media.source.reading import UnreadableError, offset_of, read_packets
from streamify.model.source import ClockBreak

CLOCKLESS = ("mp3", "aac", "ac3", "eac3")
"""Containers that are nothing but packets: their times are FFmpeg's own count."""
GROWING = ("mpegts", "mpeg", "flv")
"""Containers whose streams may appear late."""
JUMPING = ("mpegts", "mpeg")
"""Containers whose clock may jump ahead."""
BACK, AHEAD = Fraction(1, 2), Fraction(10)
"""Seconds off the expected time from which on the clock of sound without pictures counts as set anew."""
WRAP = Fraction(1 << 33, 90_000)
"""Seconds after which their clock begins anew by itself (ISO/IEC 13818-1, 2.4.3.7)."""

POLLED = 32
"""Packets of video between two looks at how many streams there are."""
RETREAT = 2
"""Such looks by which a stream that appeared is looked for further ahead."""


@dataclass
class StreamPackets:
    """What is kept of the packets of one audio stream."""

    index: int
    id: int
    """Of the container's own, such as a PID."""
    codec: str
    extradata: bytes
    time_base: Fraction
    claimed: tuple[int, int]
    """Rate and channels that the container claims; 0 where it does not."""
    reader: SoundReader | None
    """``None``: what packets hold cannot be told."""
    since: int = -1
    """Byte offset somewhat before the first packet."""
    coded: Coded = field(default_factory=Coded)
    times: array[int] = field(default_factory=lambda: array("q"))
    """Ticks; `NONE` where the container does not say."""
    positions: array[int] = field(default_factory=lambda: array("q"))
    """Byte offsets; -1: not known."""
    sizes: array[int] = field(default_factory=lambda: array("I"))
    prints: array[int] = field(default_factory=lambda: array("Q"))
    """Fingerprints of the bytes."""
    trimmed: dict[int, Fraction] = field(default_factory=dict)
    """Seconds that decoders leave out at the end of packets, as of the last one of a recording."""

    @classmethod
    def of(cls, stream: AudioStream) -> StreamPackets:
        """Return what is known of a stream before its first packet."""
        time_base = cast("Fraction", stream.time_base)
        if not has_decoder(stream):
            return cls(stream.index, stream.id, "", b"", time_base, (0, 0), None)
        context = stream.codec_context
        extradata, claimed = bytes(context.extradata or b""), (context.sample_rate, loudspeakers(context).count)
        reader = sound_reader(context.name, extradata, *claimed)
        return cls(stream.index, stream.id, context.name, extradata, time_base, claimed, reader)

    @property
    def counted(self) -> bool:
        """Whether the samples of its packets are known."""
        return self.reader is not None and self.coded.sums[-1] > 0 and any(time != NONE for time in self.times)

    def add(self, packet: Packet[Any]) -> None:
        """Take the next packet."""
        self.times.append(NONE if packet.pts is None else packet.pts)
        self.positions.append(-1 if (at := offset_of(packet)) is None else at)
        self.sizes.append(packet.size)
        data = bytes(packet)
        self.prints.append(print_of(data))
        found = self.reader(data) if self.reader is not None else None
        if found is None:
            rate, channels = self.coded.kinds[-1] if self.coded.kinds else self.claimed
            self.coded.add(rate or 1, channels, 0)
        else:
            self.coded.add(found.rate, found.channels or self.claimed[1], found.samples)
        if packet.has_sidedata("skip_samples") and (less := int.from_bytes(_skipped(packet)[4:8], "little")):
            rate = self.coded.kinds[-1][0]
            self.trimmed[len(self.times) - 1] = min(Fraction(less, rate), Fraction(self.coded.last, rate))

    def nanoseconds(self, breaks: Sequence[ClockBreak], *, alone: bool, jumps: bool) -> Times:
        """Return when each packet begins on the timeline of the pictures.

        Args:
            breaks: Where their clock does not go on.
            alone: There are none: where the sound's own clock is set anew, sound goes on without a gap.
            jumps: Whether a clock that leaps ahead was set, too.
        """
        scale = self.time_base * SECOND
        if not breaks and not alone:
            num, den = scale.numerator, scale.denominator
            return Times(array("q", (one if one == NONE else one * num // den for one in self.times)), ())
        clock, shift = SoundClock(breaks), Fraction(0)
        expected: Fraction | None = None
        found, restarts, joins = array("q"), [], []
        for number, length in self.lengths(0, len(self.times)):
            ticks = self.times[number]
            if ticks == NONE:
                found.append(NONE)
                expected = expected + length if expected is not None else None
                continue
            time = ticks * self.time_base + shift
            if expected is None:
                expected = time
            if not alone:
                position, passed = self.positions[number], clock.passed
                time = clock.at(time, expected, position if position >= 0 else None)
                if passed is not None and clock.passed != passed:
                    joins.append(number)
            elif (time < expected - BACK or (jumps and time > expected + AHEAD)) and self.lasts(number):
                moved = expected - time
                wraps = round(moved / WRAP) if jumps else 0  # what the clock leaps over by itself
                restarts.append((expected, moved - wraps * WRAP))
                shift, time = shift + expected - time, expected
            if alone and number - 1 in self.trimmed:
                joins.append(number)
            found.append(int(time * SECOND))
            expected = time + length - (self.trimmed.get(number, 0) if alone else 0)
        return Times(found, tuple(restarts), tuple(joins))

    def wrong_pace(self) -> Fraction | None:
        """Return how many times as fast as its samples its clock runs, where that cannot be right."""
        known = [(self.times[number], length) for number, length in self.lengths(0, len(self.times))]
        pairs = ((one, after) for one, after in pairwise(known) if NONE not in (one[0], after[0]))
        return wrong_pace(((after[0] - one[0]) * self.time_base, one[1]) for one, after in pairs)

    def lengths(self, first: int, stop: int) -> Iterator[tuple[int, Fraction]]:
        """Yield packets `first` to `stop` (exclusive), and how long each is heard, seconds."""
        sums = self.coded.sums
        for begin, end, rate in self.coded.within(first, stop):
            for number in range(begin, end):
                yield number, Fraction(sums[number + 1] - sums[number], rate)

    def lasts(self, number: int) -> bool:
        """Whether the clock goes on from a packet whose time is far off, which is a wild one else."""
        following = self.times[number + 1 : number + 4]
        near = int(1 / self.time_base)
        return bool(following) and all(one == NONE or 0 <= one - self.times[number] <= near for one in following)


def _skipped(packet: Packet[Any]) -> bytes:
    """Return how many samples decoders leave out at the beginning and at the end of a packet: 32 bits each."""
    return bytes(packet.get_sidedata("skip_samples"))


@dataclass(frozen=True)
class Times:
    """When packets begin."""

    ns: array[int]
    """`NONE` where the container does not say."""
    restarts: tuple[tuple[Fraction, Fraction], ...]
    """Where the clock was set anew, seconds, and by how much it is moved from there on."""
    joins: tuple[int, ...] = ()
    """First packets behind the breaks in the clock of the pictures."""


class AudioPackets:
    """Takes the packets of all audio streams of a container while it is read from end to end.

    Args:
        container: Freshly opened.
        streams: Indices of the streams that count; ``None``: all of them.
    """

    def __init__(self, container: InputContainer, streams: Iterable[int] | None = None) -> None:
        wanted = None if streams is None else set(streams)
        self.streams: tuple[AudioStream, ...] = tuple(
            one for one in container.streams.audio if wanted is None or one.index in wanted
        )
        self.by_stream = {one.index: StreamPackets.of(one) for one in self.streams}
        self.appeared: list[tuple[int, ...]] = []
        """Of streams that appeared after the container was opened: byte offsets somewhat before them."""
        self._container = container
        self._format = container.format.name
        self._before: deque[int] = deque([0], maxlen=RETREAT)
        self._passed = 0
        self._count = _streams(container)

    def add(self, packet: Packet[Any]) -> None:
        """Take a packet of sound."""
        found = self.by_stream.get(packet.stream_index)
        if found is None or not packet.size:
            return
        if found.since < 0:
            found.since = self._before[0]
        found.add(packet)

    @property
    def furthest(self) -> int:
        """Return the largest byte offset of a packet; -1: none is known."""
        return max((max(one.positions, default=-1) for one in self.by_stream.values()), default=-1)

    def passed(self, packet: Packet[Any]) -> None:
        """Take note of a packet of pictures, by which late streams are found again."""
        self._passed += 1
        if self._passed % POLLED or self._format not in GROWING:
            return
        count = _streams(self._container)
        here = at if (at := offset_of(packet)) is not None else self._before[-1]
        if count > self._count:
            self.appeared.append((*self._before, here))
            self._count = count
        self._before.append(here)

    def close(self) -> None:
        """Let go of the container."""
        count = _streams(self._container) if self._format in GROWING else self._count
        if count > self._count:
            self.appeared.append(tuple(self._before))
        del self._container
        self.streams = ()


def _streams(container: InputContainer) -> int:
    """Return how many streams FFmpeg knows by now; PyAV knows those that there were when it opened the file."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)  # PyAV takes the text from FFmpeg's log
    try:
        text: str = container.dumps_format()  # type: ignore[attr-defined]  # missing in PyAV's types
        return text.count("  Stream #0:")
    finally:
        av.logging.set_level(level)


def read_audio_packets(container: InputContainer, streams: Iterable[int] | None = None) -> AudioPackets:
    """Read the sound of a freshly opened container from end to end, as far as it can be read."""
    audio_packets = AudioPackets(container, streams)
    for other in container.streams:
        if other.index not in audio_packets.by_stream:
            other.discard = Discard.all
    with contextlib.suppress(UnreadableError):  # what there is; the tasks name the damage
        for packet in read_packets(container, *audio_packets.streams):
            audio_packets.add(packet)
            audio_packets.passed(packet)
    audio_packets.close()
    return audio_packets
