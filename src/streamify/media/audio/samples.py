"""Audio: the samples of a source stream, resampled and placed on the output's timeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, cast

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from streamify.bitstream.soundline import PADDING, SECOND, padding
from streamify.media.audio.clock import SoundClock
from streamify.media.audio.counted import Output, counted_samples
from streamify.media.audio.mixing import Mixer
from streamify.media.audio.resample import WIDTH, Planes, Resampling, Samples
from streamify.media.source.entering import open_splice, packets_from
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, decode, decoder, offset_of, read_packets, seek_to
from streamify.media.source.splice import SplicedFile
from streamify.model.plan import AudioPiece, AudioSlice
from streamify.model.source import ClockBreak
from streamify.model.track import AudioTrack

TOLERANCE = Fraction(3, 100)
"""Seconds by which a timestamp may be off before it counts as a gap or an overlap."""
LEAD = 2
"""Seconds of source decoded before a piece, for the decoder and the resampler to settle."""

LAYOUTS = {2: "stereo", 6: "5.1(side)"}
"""FFmpeg's names of layouts by number of channels."""


@dataclass(frozen=True)
class AudioSource:
    """Where a piece's bytes come from."""

    open_source: Callable[[], BinaryIO]
    slice: AudioSlice | None = None
    """``None``: the whole file is opened and sought in."""
    breaks: tuple[ClockBreak, ...] = ()
    """Where the source's clock does not go on."""
    joined: tuple[AudioSlice | None, ...] = ()
    """As `slice`, of the streams that are joined to the first; empty: the whole file."""
    gain: float = 1.0
    """Factor for all samples."""
    piece: AudioPiece | None = None
    """Where the samples lie, of tracks whose packets were counted."""


@dataclass
class AudioLog:
    """What happened on the way."""

    gaps: int = 0
    """Places where silence was put in or samples were left out, beyond the tolerance."""
    cut: Fraction = Fraction(0)
    """Seconds of the source that are left out there."""
    padding: Fraction = Fraction(0)
    """Seconds left out that encoders added where parts were joined."""
    errors: list[str] = field(default_factory=list)
    undecoded: Fraction = Fraction(0)
    """Seconds of packets that nobody promised and of which a decoder gave nothing."""
    decoded: int = 0
    """Samples of the output that are not silence put in."""
    changes: list[tuple[Fraction, str]] = field(default_factory=list)
    """Times, seconds, at which rate or channels change, and how."""


def units(source: AudioSource, track: AudioTrack, frame: int, start: int, stop: int, log: AudioLog) -> Iterator[Planes]:
    """Yield each `frame` samples from `start` to `stop`; silence where the source has nothing."""
    size = frame * WIDTH
    planes = tuple(bytearray() for _ in range(track.recipe.channels))

    def taken() -> Planes:
        found = tuple(bytes(plane[:size]) for plane in planes)
        for plane in planes:
            del plane[:size]
        return found

    have = start  # output position of the next sample to be appended
    for position, run in _samples(source, track, start, stop, log):
        count = len(run[0]) // WIDTH
        if position + count <= have:
            continue  # before the piece, or overlapped by what came before
        if position > have:
            gap = min(position, stop) - have
            for plane in planes:
                plane.extend(bytes(gap * WIDTH))
            have += gap
        cut = max(0, have - position) * WIDTH
        log.decoded += max(0, min(position + count, stop) - max(position, have))
        for plane, samples in zip(planes, run, strict=True):
            plane.extend(samples[cut:])
        have = position + count
        while len(planes[0]) >= size:
            yield taken()
            start += frame
            if start >= stop:
                return
        if have >= stop + frame:
            break
    while start < stop:
        for plane in planes:
            plane.extend(bytes(max(0, size - len(plane))))
        yield taken()
        start += frame


def _samples(source: AudioSource, track: AudioTrack, start: int, stop: int, log: AudioLog) -> Iterator[Samples]:
    """Yield runs of resampled samples and their position on the output timeline."""
    layout = LAYOUTS[track.recipe.channels]
    mixer = Mixer(layout, track.recipe.channels, source.gain)
    if source.piece is None:
        yield from _timed_samples(source, track, (start, stop), mixer, log)
        return
    with source.open_source() as file:
        output = Output(mixer, layout, track.sample_rate)
        yield from counted_samples(file, source.piece, output, start, stop, log)


def _timed_samples(
    source: AudioSource, track: AudioTrack, span: tuple[int, int], mixed: Mixer, log: AudioLog
) -> Iterator[Samples]:
    """Yield runs of samples by their timestamps."""
    rate, layout = track.sample_rate, LAYOUTS[track.recipe.channels]
    start, within = span[0], (Fraction(span[0], rate), Fraction(span[1], rate))
    resampling: Resampling | None = None
    ahead = Fraction(0)  # where the next source sample is expected, seconds on the output timeline
    since = Fraction(0)  # where the last gap or overlap ended, likewise
    offs: deque[Fraction] = deque(maxlen=PADDING)  # of the last frames: how much later than expected they were
    before: tuple[int, str] | None = None
    clock = SoundClock(source.breaks)
    for frame, offset in _decoded(source, track, within, mixed, log):
        if frame.pts is None:
            at = ahead
        else:
            assert frame.time_base is not None
            at = clock.at(frame.pts * frame.time_base - track.recipe.origin, ahead, offset)
        if resampling is None or abs(at - ahead) > TOLERANCE:
            if resampling is not None:
                log.gaps += 1
                cut = max(Fraction(0), ahead - max(at, Fraction(start, rate)))
                length = Fraction(frame.samples, frame.sample_rate)
                sudden = 2 * (offs[0] - (at - ahead)) >= ahead - at  # not by drift
                if sudden and padding((ahead - at) * SECOND, length * SECOND, (ahead - since) * SECOND):
                    log.padding += cut
                else:
                    log.cut += cut
                yield from resampling.flush()
            resampling = Resampling(layout, rate, _nearest(at * rate))
            ahead = since = at
        offs.append(at - ahead)
        kind = frame.sample_rate, frame.layout.name
        if before is not None and kind != before and ahead * rate >= start:
            log.changes.append((ahead, f"{before[0]} Hz {before[1]} becomes {kind[0]} Hz {kind[1]}"))
        before = kind
        ahead += Fraction(frame.samples, frame.sample_rate)
        yield from resampling.push(mixed(frame))
    if resampling is not None:
        yield from resampling.flush()


def _decoded(
    source: AudioSource, track: AudioTrack, span: tuple[Fraction, Fraction], mixed: Mixer, log: AudioLog
) -> Iterator[tuple[AudioFrame, int | None]]:
    """Yield what decodes, and where the bytes of its packet are."""
    start, undecoded = span[0], Undecoded(span, log)
    with source.open_source() as file:
        if source.slice is not None:
            where = source.slice
            container, stream = open_splice(SplicedFile(where.splice, file), where.splice, track.stream)
            packets = packets_from(container, stream, (where.entry,), where.entry, sliced=True)
        else:
            container = open_media(file)
            stream = cast("VideoStream", container.streams[track.stream])
            exact = track.recipe.within and track.recipe.piece_segments > 0
            if (start > LEAD or exact) and stream.time_base is not None and not source.breaks:
                # Where FFmpeg cannot, the sound is read from its start; also where only that tells the sample.
                seek_to(container, int((start + track.recipe.origin - LEAD) / stream.time_base), stream)
            if container.format.name.startswith("mov"):  # Matroska reads all, and would be sought in to another packet
                keep_only(container, stream)
            packets = read_packets(container, stream)
        with container:
            context = decoder(cast("AudioStream", stream), mixed.told)
            for packet in _read(packets, log):
                errors = len(log.errors)
                frames = decode(context, packet, log.errors.append)
                if packet.size and packet.pts is not None and packet.time_base is not None:
                    at, length = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
                    heard = True if frames else False if len(log.errors) > errors else None
                    undecoded.see(at - track.recipe.origin, length, heard=heard)
                for frame in frames:
                    yield frame, offset_of(packet)
            undecoded.end()


class Undecoded:
    """Adds up runs of packets of which nothing comes out.

    Args:
        span: What counts, seconds on the output's timeline.
        log: Receives the sum.
    """

    def __init__(self, span: tuple[Fraction, Fraction], log: AudioLog) -> None:
        self._span, self._log = span, log
        self._since: Fraction | None = None
        self._last = self._length = Fraction(0)

    def see(self, at: Fraction, length: Fraction, *, heard: bool | None) -> None:
        """Take the next packet; `heard` is ``None`` where the decoder took it and gave nothing yet."""
        if not 0 <= at - self._last <= 1 + self._length:
            self.end()  # the clock does not go on, or there is a gap: neither is sound
        if heard:
            self.end(at)
        elif heard is False and self._since is None:
            self._since = at
        self._last, self._length = at, length

    def end(self, at: Fraction | None = None) -> None:
        """Take the end of a run: with the packet at a time, or behind the last one."""
        if self._since is not None:
            begin = max(self._since, self._span[0])
            end = min(self._last + self._length if at is None else at, self._span[1])
            self._log.undecoded += max(Fraction(0), end - begin)
            self._since = None


def _read(packets: Iterator[Packet[VideoStream]], log: AudioLog) -> Iterator[Packet[VideoStream]]:
    """Yield packets; where the container cannot be read on, that is damage, and the end."""
    try:
        yield from packets
    except UnreadableError as error:
        log.errors.append(f"the container cannot be read on: {error.reason}")


def _nearest(value: Fraction) -> int:
    return int((value + Fraction(1, 2)).__floor__())
