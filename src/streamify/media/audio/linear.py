"""A source's sound decoded from start to end, as a player does: no plan, no slices, no count of packets, times as
FFmpeg gives them. And that of a finished track, segment after segment.

This is a second opinion about what a source sounds like. It shares nothing with the tasks but FFmpeg's decoders, and
the mix of channels that FFmpeg does not mix.
"""

from __future__ import annotations

import io
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import BinaryIO, cast

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import BlockingIOError as Empty
from av.error import EOFError as Ended
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet

from streamify.bitstream.pace import RECKONED
from streamify.media.audio.clock import SoundClock
from streamify.media.audio.likeness import RATE, STRETCH, Stretch
from streamify.media.audio.matrix import SURROUND, Levels, matrix
from streamify.media.audio.narrow_mix import PAIRS, ChannelMix, Pair, PairMix, StereoMix
from streamify.media.source.audio_packets import AHEAD, BACK, JUMPING
from streamify.media.source.choice import choose
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.paced import decoded_pace
from streamify.media.source.reading import Told, UnreadableError, decode, decoder, offset_of, read_packets, stream_of
from streamify.media.source.splice import opened
from streamify.model.source import ClockBreak
from streamify.model.task import Strand

AROUND = 1.0
"""Seconds of packets on either side that tell when a stretch is heard: the times of single ones may be off."""
EXACT = 0.003
"""Seconds by which times may be off the count of samples and still be exact: rounding to milliseconds."""
INEXACT = 0.015
"""Seconds by which a track may be off in addition where they are not: steps below 30 ms are no gap."""
MARRED = 1.0
"""Seconds after damage in which decoders may differ by where they began."""


@dataclass(frozen=True)
class LinearSound:
    """Which sound is decoded, and what its times mean."""

    open_source: Callable[[], BinaryIO]
    strands: tuple[Strand, ...]
    """Several: each is one channel of `layout`."""
    layout: str
    origin: Fraction
    """When the track begins on the source's clock, seconds."""
    breaks: tuple[ClockBreak, ...] = ()
    alone: bool = False
    """Whether there are no pictures."""
    begin: Fraction = Fraction(0)
    """When the track begins, seconds from the film's start, of which it is a part."""
    pair: Pair | None = None
    """The two channels of 5.1 that are compared; ``None``: the mix to stereo."""


class Narrowing:
    """Makes frames narrow; frames of all kinds, which follow each other.

    Args:
        pair: Channels of 5.1 that are taken; ``None``: the mix to stereo.
        channel: The one that a mono stream is; it is then taken for both.
    """

    def __init__(self, pair: Pair | None = None, channel: str | None = None) -> None:
        self._mixer: ChannelMix | StereoMix | PairMix
        self._mixer = ChannelMix(channel) if channel is not None else StereoMix() if pair is None else PairMix(pair)
        self._kind: object = None
        self._graph: tuple[Graph, FilterContext, FilterContext] | None = None

    def told(self, names: tuple[str, ...]) -> None:
        """Take what the channels of the stream are called, whose frames are without names."""
        if not isinstance(self._mixer, ChannelMix):
            self._mixer.told(names)

    def push(self, frame: AudioFrame) -> array[float]:
        """Return what comes out with a frame."""
        mixed = self._mixer(frame)
        kind = mixed.sample_rate, mixed.format.name
        out = array("f")
        if kind != self._kind or self._graph is None:
            out = self.flush()
            self._kind, self._graph = kind, _narrow(mixed)
        mixed.pts, mixed.time_base = None, Fraction(1, mixed.sample_rate)
        self._graph[1].push(mixed)
        out.extend(_pulled(self._graph[2]))
        return out

    def flush(self) -> array[float]:
        """Return what is held back."""
        if self._graph is None:
            return array("f")
        graph, self._graph = self._graph, None
        graph[1].push(None)
        return _pulled(graph[2])


def _narrow(frame: AudioFrame) -> tuple[Graph, FilterContext, FilterContext]:
    graph = Graph()
    entry = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format, layout="stereo", time_base=Fraction(1, frame.sample_rate)
    )
    exit_ = graph.add("abuffersink")
    graph.link_nodes(
        entry,
        graph.add("aresample", str(RATE)),
        graph.add("aformat", "sample_fmts=fltp"),
        graph.add("highpass", "f=30:poles=1"),
        graph.add("lowpass", "f=1000:poles=1"),
        graph.add("aformat", "sample_fmts=flt"),
        exit_,
    ).configure()
    return graph, entry, exit_


def _pulled(sink: FilterContext) -> array[float]:
    found = array("f")
    while True:
        try:
            frame = cast("AudioFrame", sink.pull())
        except (Empty, Ended):
            return found
        found.frombytes(bytes(frame.planes[0])[: 8 * frame.samples])


def pairs_of(channels: int) -> tuple[Pair | None, ...]:
    """Return which channels of a track are compared, one pair after the other; ``None``: the mix to stereo."""
    return PAIRS if channels == 2 * len(PAIRS) else (None,)


def stretches(sound: LinearSound) -> Iterator[Stretch]:
    """Yield the sound of a source in the order of decoding."""
    if len(sound.strands) == 1:
        yield from _strand(sound, sound.strands[0])
        return
    names = [channel.name for channel in AudioLayout(sound.layout).channels]
    rows = _rows(names, sound.pair)
    strands = [_strand(sound, one, name) for one, name in zip(sound.strands, names, strict=True)]
    for parts in zip(*strands, strict=False):
        apart = max(abs(one.at - parts[0].at) for one in parts)
        mixed = [0.0] * (2 * min(len(one.samples) // 2 for one in parts))
        for side, row in enumerate(rows):
            channels = [[factor * value for value in one.samples[::2]] for factor, one in zip(row, parts, strict=True)]
            mixed[side::2] = [sum(values) for values in zip(*channels, strict=False)]
        yield Stretch(
            parts[0].at,
            mixed,
            max(apart, *(one.spread for one in parts)),
            max(one.slack for one in parts),
            any(one.marred for one in parts),
            any(one.joined for one in parts),
        )


def _rows(names: Sequence[str], pair: Pair | None) -> Sequence[Sequence[float]]:
    """Return what each of two channels takes of mono streams."""
    if pair is None:
        return matrix(names, 2, Levels())
    return [row for place, row in zip(SURROUND, matrix(names, 6, Levels()), strict=True) if place in pair]


def _strand(sound: LinearSound, strand: Strand, channel: str | None = None) -> Iterator[Stretch]:
    narrowing, placing = Narrowing(sound.pair, channel), _Placing()
    for frame, at, marred, joined in _frames(sound, strand, narrowing.told):
        placing.frame(frame.samples / frame.sample_rate, float(at), marred=marred, joined=joined)
        placing.samples(narrowing.push(frame))
        yield from placing.known()
    placing.samples(narrowing.flush())
    yield from placing.known(ended=True)


class _Placing:
    """Says when stretches are heard, by the times of all packets around them."""

    def __init__(self) -> None:
        self._count = 0.0
        """Seconds of frames so far."""
        self._out = 0
        """Samples of stretches so far."""
        self._held = array("f")
        self._times: deque[tuple[float, float, bool, bool]] = deque()
        """Of frames: seconds counted before each, by how much later it is by its time, whether there was damage, and
        whether a recording begins with it."""
        self._low = self._high = 0.0
        self._first: float | None = None

    def frame(self, seconds: float, at: float, *, marred: bool, joined: bool) -> None:
        off = at - self._count
        if self._first is None:
            self._first = off
        self._low, self._high = min(self._low, off - self._first), max(self._high, off - self._first)
        self._times.append((self._count, off, marred, joined))
        self._count += seconds

    def samples(self, samples: array[float]) -> None:
        self._held.extend(samples)

    def known(self, *, ended: bool = False) -> Iterator[Stretch]:
        while len(self._held) >= 2 * STRETCH and (ended or self._count > self._out / RATE + 0.25 + AROUND):
            start = self._out / RATE
            while self._times and len(self._times) > 1 and self._times[0][0] < start - AROUND:
                self._times.popleft()
            around = [one for one in self._times if one[0] < start + 0.25 + AROUND]
            middle = median(one[1] for one in around)
            off = sorted(abs(one[1] - middle) for one in around)
            yield Stretch(
                at=start + middle,
                samples=self._held[: 2 * STRETCH].tolist(),
                spread=off[len(off) * 9 // 10],
                slack=INEXACT if self._high - self._low > EXACT else 0.0,
                marred=any(one[2] for one in around),
                joined=any(one[3] and start <= one[0] < start + 0.25 for one in around),
            )
            del self._held[: 2 * STRETCH]
            self._out += STRETCH


def _frames(sound: LinearSound, strand: Strand, told: Told) -> Iterator[tuple[AudioFrame, Fraction, bool, bool]]:
    """Yield frames, when each is heard on the track's timeline, whether the decoder met damage, and whether another
    recording begins with it."""
    with sound.open_source() as file, _open(file, strand) as container:
        stream = _stream(container, strand)
        if stream is None:
            return
        keep_only(container, stream)
        context, clock = decoder(stream, told), SoundClock(sound.breaks)
        expected, shift = -sound.begin, Fraction(0)
        jumps, first = container.format.name in JUMPING, True
        untimed = container.format.name == RECKONED and _paced_wrongly(sound, strand)
        refused: list[str] = []
        damage: Fraction | None = None
        try:
            for packet in read_packets(container, stream):
                if untimed and first and packet.pts is not None and packet.time_base is not None:
                    expected, first = packet.pts * packet.time_base - sound.origin, False
                frames = decode(context, packet, refused.append)
                if refused or packet.is_corrupt:
                    damage = expected
                    refused.clear()
                for frame in frames:
                    at, passed = expected, clock.passed
                    if frame.pts is not None and frame.time_base is not None and not untimed:
                        time = frame.pts * frame.time_base - sound.origin
                        if not sound.alone:
                            at = clock.at(time, expected, offset_of(packet))
                        elif not first and (
                            time + shift < expected - BACK or (jumps and time + shift > expected + AHEAD)
                        ):
                            shift = expected - time
                        else:
                            at = time + shift
                    first = False
                    marred = damage is not None and at - damage < MARRED
                    yield frame, at, marred, passed is not None and clock.passed != passed
                    expected = at + Fraction(frame.samples, frame.sample_rate)
        except UnreadableError:
            return  # the container ends in damage; the plan's notes say so


def _paced_wrongly(sound: LinearSound, strand: Strand) -> bool:
    """Whether the times of the first packets cannot be right beside what they decode to."""
    with sound.open_source() as file, _open(file, strand) as container:
        stream = _stream(container, strand)
        if stream is None:
            return False
        return decoded_pace(container, stream) is not None


def _open(file: BinaryIO, strand: Strand) -> InputContainer:
    return open_media(opened(file, strand.within), format=strand.within.format if strand.within is not None else None)


def _stream(container: InputContainer, strand: Strand) -> AudioStream | None:
    if strand.within is not None and container.format.name in JUMPING:
        return next((one for one in container.streams.audio if one.id == strand.id), None)
    return next((one for one in container.streams.audio if one.index == strand.stream), None)


def first_heard(open_source: Callable[[], BinaryIO], program: int | None) -> Fraction | None:
    """Return when the first stream of a source without pictures is first heard, seconds on the source's clock."""
    with open_source() as file, open_media(file) as container:
        stream = choose(container, file, program).audio[0]
        context = decoder(stream)
        for packet in read_packets(container, stream):
            for frame in decode(context, packet):
                if frame.pts is not None and frame.time_base is not None:
                    return frame.pts * frame.time_base
    return None


def track_samples(
    init: bytes, segments: Iterable[bytes], timescale: int, pair: Pair | None = None
) -> Iterator[tuple[int, Sequence[float]]]:
    """Yield what a track sounds like: positions, samples of `RATE`, and the narrow samples from there on."""
    narrowing = Narrowing(pair)
    context: AudioCodecContext | None = None
    position: int | None = None
    for data in segments:
        with open_media(io.BytesIO(init + data), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
            stream = stream_of(container.streams.audio)
            if context is None:  # one for all of them: frames overlap across segments
                context = decoder(stream)
            for packet in read_packets(container, stream):
                for frame in decode(context, _plain(packet)) if packet.size else ():  # the segment's check names damage
                    at = round(Fraction((frame.pts or 0) * RATE, timescale))
                    if position is None or abs(at - position) > RATE // 50:
                        position = at
                    samples = narrowing.push(frame)
                    yield position, samples
                    position += len(samples) // 2
    yield position or 0, narrowing.flush()


def _plain(packet: Packet[AudioStream]) -> Packet[AudioStream]:
    """Return a packet without the mark by which FFmpeg's demuxer has the first one of each segment skipped."""
    plain = cast("Packet[AudioStream]", Packet(bytes(packet)))
    plain.pts, plain.dts, plain.time_base = packet.pts, packet.dts, packet.time_base
    return plain
