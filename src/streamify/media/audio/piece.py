"""Audio: one source stream into a run of AAC access units that lie exactly on the output's timeline."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import BinaryIO, cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec.context import Flags
from av.video.stream import VideoStream

from streamify.media.damage import damage
from streamify.media.package import AAC_PROFILE, Packaged, split_muxed
from streamify.media.source.entering import open_splice, packets_from
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.splice import SplicedFile
from streamify.model.plan import AudioSlice
from streamify.model.progress import OnProgress
from streamify.model.track import AudioTrack

FRAME = 1024
"""Samples of one access unit."""
PREROLL = 16
"""Access units encoded and thrown away before a piece, so that its first one sounds like any other."""
POSTROLL = 4
"""Access units encoded after a piece, so that its last one is not the encoder's flush."""
TOLERANCE = Fraction(3, 100)
"""Seconds by which a timestamp may be off before it counts as a gap or an overlap."""
LEAD = 2
"""Seconds of source decoded before a piece, for the decoder and the resampler to settle."""


MUXER = {
    "movflags": "+frag_custom+delay_moov+default_base_moof+skip_trailer",
    "use_editlist": "1",
    "avoid_negative_ts": "disabled",
    "fflags": "+bitexact",
}


@dataclass(frozen=True)
class AudioSource:
    """Where a piece's bytes come from."""

    open_source: Callable[[], BinaryIO]
    slice: AudioSlice | None = None
    """``None``: the whole file is opened and sought in."""


def window(track: AudioTrack, first_unit: int, last_unit: int) -> tuple[Fraction, Fraction]:
    """Return what a piece needs of the source, seconds on the source's clock: with pre-roll and post-roll."""
    start = Fraction((first_unit - 1 - PREROLL) * FRAME, track.sample_rate) - LEAD
    end = Fraction((last_unit + 2 * POSTROLL) * FRAME, track.sample_rate) + 1
    return track.recipe.origin + max(start, Fraction(0)), track.recipe.origin + end


@dataclass
class AudioLog:
    """What happened on the way."""

    gaps: int = 0
    """Places where silence was put in or samples were left out, beyond the tolerance."""
    errors: list[str] = field(default_factory=list)
    last: Fraction | None = None
    """End of the source's samples on the output timeline, seconds, as far as they were read."""


def encode_piece(
    source: AudioSource,
    track: AudioTrack,
    first_unit: int,
    last_unit: int,
    log: AudioLog,
    progress: OnProgress | None = None,
) -> list[av.Packet[av.AudioStream]]:
    """Encode access units ``[first_unit, last_unit)`` of a track as one continuous stream.

    Unit 0 is the encoder's priming; unit u > 0 starts at sample ``(u - 1) * 1024``. A piece that does not start at
    unit 0 starts `PREROLL` units early and throws those away.

    Returns:
        The packets, in order.
    """
    skip = min(PREROLL, max(0, first_unit - 1))
    start = max(0, first_unit - 1 - skip) * FRAME if first_unit else 0
    stop = (last_unit - 1) * FRAME
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    configure(encoder, track)
    packets: list[av.Packet[av.AudioStream]] = []
    position = start
    for left, right in _units(source, track, start, stop + (0 if _final(track, last_unit) else POSTROLL * FRAME), log):
        frame = AudioFrame(format="fltp", layout="stereo", samples=FRAME)
        frame.planes[0].update(left)
        frame.planes[1].update(right)
        frame.sample_rate, frame.pts, frame.time_base = track.sample_rate, position, encoder.time_base
        position += FRAME
        packets.extend(encoder.encode(frame))
        if progress is not None:
            progress(min(len(packets), last_unit - first_unit), last_unit - first_unit, "access units")
    packets.extend(encoder.encode(None))
    # The encoder's first packet covers the 1024 samples before `start`.
    offset = first_unit - start // FRAME
    return packets[offset : offset + last_unit - first_unit]


def configure(encoder: av.AudioCodecContext, track: AudioTrack) -> None:
    """Set an AAC encoder up for a track and open it."""
    encoder.sample_rate, encoder.layout, encoder.format = track.sample_rate, "stereo", "fltp"
    encoder.bit_rate = track.recipe.bitrate
    encoder.time_base = Fraction(1, track.sample_rate)
    encoder.thread_count = 1
    encoder.options = {"aac_coder": "fast"}
    encoder.flags |= Flags.global_header | Flags.bitexact
    encoder.open()


def package_audio(
    packets: Sequence[av.Packet[av.AudioStream]], track: AudioTrack, cuts: Sequence[int]
) -> list[Packaged]:
    """Package the access units of a piece into one segment per pair of cuts.

    Args:
        packets: Access units ``cuts[0]`` to ``cuts[-1]`` (exclusive) of the whole track, in order.
        track: Whose they are.
        cuts: Borders of segments, in access units of the whole track.
    """
    segments = []
    for first, last in pairwise(cuts):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mp4", options=MUXER) as container:
            stream = container.add_stream("aac", rate=track.sample_rate)
            configure(stream.codec_context, track)
            for number, packet in enumerate(packets[first - cuts[0] : last - cuts[0]]):
                unit = av.Packet(bytes(packet))
                unit.stream, unit.time_base = stream, Fraction(1, track.sample_rate)
                unit.pts = unit.dts = (number - 1) * FRAME
                unit.duration = FRAME
                unit.is_keyframe = True
                container.mux(unit)
        segments.append(split_muxed(buffer.getvalue(), first * FRAME, first, AAC_PROFILE))
    return segments


def _final(track: AudioTrack, last_unit: int) -> bool:
    return last_unit >= 1 + -(-track.samples // FRAME)


def _units(
    source: AudioSource, track: AudioTrack, start: int, stop: int, log: AudioLog
) -> Iterator[tuple[bytes, bytes]]:
    """Yield left and right of each 1024 samples from `start` to `stop`; silence where the source has nothing."""
    size = FRAME * 4
    left, right = bytearray(), bytearray()
    have = start  # output position of the next sample to be appended
    for position, one, two in _samples(source, track, start, log):
        count = len(one) // 4
        if position + count <= have:
            continue  # before the piece, or overlapped by what came before
        if position > have:
            gap = min(position, stop) - have
            left.extend(bytes(gap * 4))
            right.extend(bytes(gap * 4))
            have += gap
        cut = max(0, have - position) * 4
        left.extend(one[cut:])
        right.extend(two[cut:])
        have = position + count
        while len(left) >= size:
            yield bytes(left[:size]), bytes(right[:size])
            del left[:size], right[:size]
            start += FRAME
            if start >= stop:
                return
        if have >= stop + FRAME:
            break
    while start < stop:
        left.extend(bytes(max(0, size - len(left))))
        right.extend(bytes(max(0, size - len(right))))
        yield bytes(left[:size]), bytes(right[:size])
        del left[:size], right[:size]
        start += FRAME


def _samples(source: AudioSource, track: AudioTrack, start: int, log: AudioLog) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield runs of resampled samples and their position on the output timeline."""
    rate = track.sample_rate
    resampler: AudioResampler | None = None
    position = 0  # of the next sample out of the resampler
    ahead = Fraction(0)  # where the next source sample is expected, seconds on the output timeline
    for frame in _decoded(source, track, Fraction(start, rate), log):
        if frame.pts is None:
            at = ahead
        else:
            assert frame.time_base is not None
            at = frame.pts * frame.time_base - track.recipe.origin
        if resampler is None or abs(at - ahead) > TOLERANCE:
            if resampler is not None:
                log.gaps += 1
                yield from _planes(resampler.resample(None), position)
            resampler = AudioResampler(format="fltp", layout="stereo", rate=rate)
            position = _nearest(at * rate)
            ahead = at
        ahead += Fraction(frame.samples, frame.sample_rate)
        log.last = ahead
        frame.pts = None
        for piece in resampler.resample(frame):
            yield from _planes([piece], position)
            position += piece.samples
    if resampler is not None:
        for piece in resampler.resample(None):
            yield from _planes([piece], position)
            position += piece.samples


def _planes(frames: list[AudioFrame], position: int) -> Iterator[tuple[int, bytes, bytes]]:
    for frame in frames:
        size = frame.samples * 4  # planes are padded
        yield position, bytes(frame.planes[0])[:size], bytes(frame.planes[1])[:size]
        position += frame.samples


def _decoded(source: AudioSource, track: AudioTrack, start: Fraction, log: AudioLog) -> Iterator[AudioFrame]:
    with source.open_source() as file:
        if source.slice is not None:
            where = source.slice
            container, stream = open_splice(SplicedFile(where.splice, file), where.splice, track.stream)
            packets = packets_from(container, stream, (where.entry,), where.entry, sliced=True)
        else:
            container = open_media(file)
            stream = cast("VideoStream", container.streams[track.stream])
            if start > LEAD and stream.time_base is not None:
                container.seek(int((start + track.recipe.origin - LEAD) / stream.time_base), stream=stream)
            if container.format.name.startswith("mov"):  # Matroska reads all, and would be sought in to another packet
                keep_only(container, stream)
            packets = container.demux(stream)
        with container:
            stream.codec_context.thread_count = 1
            for packet in packets:
                try:
                    yield from cast("list[AudioFrame]", packet.decode())
                except av.FFmpegError as error:
                    log.errors.append(damage(error, packet))


def _nearest(value: Fraction) -> int:
    return int((value + Fraction(1, 2)).__floor__())
