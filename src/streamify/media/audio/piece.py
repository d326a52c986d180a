"""Audio: one source stream into a run of access units that lie exactly on the output's timeline."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags

from streamify.codecs.registry import audio_codec
from streamify.media.audio.join import sound
from streamify.media.audio.resample import FORMAT
from streamify.media.audio.samples import LEAD, AudioLog, AudioSource
from streamify.media.package import Packaged, split_muxed
from streamify.model.progress import OnProgress
from streamify.model.track import AudioTrack

PREROLL = 16
"""Access units encoded and thrown away before a piece, so that its first one sounds like any other."""
POSTROLL = 4
"""Access units encoded after a piece, so that its last one is not the encoder's flush."""

MUXER = {
    "movflags": "+frag_custom+delay_moov+default_base_moof+skip_trailer",
    "use_editlist": "1",
    "avoid_negative_ts": "disabled",
    "fflags": "+bitexact",
}


def window(track: AudioTrack, first_unit: int, last_unit: int) -> tuple[Fraction, Fraction]:
    """Return what a piece needs of the source, seconds on the source's clock: with pre-roll and post-roll."""
    codec, recipe = audio_codec(track.recipe.codec), track.recipe
    start = Fraction((first_unit - codec.priming - PREROLL) * codec.frame, recipe.sample_rate) - LEAD
    end = Fraction((last_unit + 2 * POSTROLL) * codec.frame, recipe.sample_rate) + 1
    return recipe.origin + (start if recipe.within else max(start, Fraction(0))), recipe.origin + end


def span(track: AudioTrack, first_unit: int, last_unit: int) -> tuple[int, int]:
    """Return the first sample that a piece encodes, pre-roll included, and the one behind the last."""
    codec = audio_codec(track.recipe.codec)
    size, priming = codec.frame, codec.priming
    skip = min(PREROLL, max(0, first_unit - priming))
    begin = max(0, first_unit - priming - skip) if first_unit else 0
    late = -(-codec.delay // size)
    start = begin * size - (late * size - codec.delay)
    stop = (last_unit - priming) * size
    if last_unit < codec.units(track.samples):
        stop += POSTROLL * size
    return start, stop


def encode_piece(
    source: AudioSource,
    track: AudioTrack,
    first_unit: int,
    last_unit: int,
    log: AudioLog,
    progress: OnProgress | None = None,
) -> Iterator[av.Packet[av.AudioStream]]:
    """Encode access units ``[first_unit, last_unit)`` of a track as one continuous stream.

    The first units of a track are the encoder's priming; the one after them starts at sample 0. A piece that does not
    start the track starts `PREROLL` units early and throws those away.

    What is decoded of a packet lies `delay` samples behind what was encoded; the encoder is fed from as much earlier as
    makes that a whole number of units.

    Yields:
        The packets, in order, each as soon as the encoder gives it. All of the piece's sound was read once the last one
        was yielded and the iterator is at its end.
    """
    codec = audio_codec(track.recipe.codec)
    size, late = codec.frame, -(-codec.delay // codec.frame)
    start, stop = span(track, first_unit, last_unit)
    begin = (start + late * size - codec.delay) // size
    encoder = _encoder(track)
    position, number = start, begin + codec.priming - late  # the first packets hold what lies before `begin`
    for planes in sound(source, track, size, start, stop, log):
        frame = AudioFrame(format=FORMAT, layout=codec.layouts[track.recipe.channels], samples=size)
        for plane, samples in zip(frame.planes, planes, strict=True):
            plane.update(samples)
        frame.sample_rate, frame.pts, frame.time_base = track.sample_rate, position, encoder.time_base
        position += size
        for packet in encoder.encode(frame):
            if first_unit <= number < last_unit:
                yield packet
            number += 1
        if progress is not None:
            progress(min(max(0, number - first_unit), last_unit - first_unit), last_unit - first_unit, "access units")
    for packet in encoder.encode(None):
        if first_unit <= number < last_unit:
            yield packet
        number += 1


def _encoder(track: AudioTrack) -> av.AudioCodecContext:
    encoder = av.CodecContext.create(audio_codec(track.recipe.codec).encoder, "w")
    assert isinstance(encoder, av.AudioCodecContext)
    configure(encoder, track)
    return encoder


def configure(encoder: av.AudioCodecContext, track: AudioTrack) -> None:
    """Set an encoder up for a track and open it."""
    codec = audio_codec(track.recipe.codec)
    encoder.sample_rate, encoder.layout = track.sample_rate, codec.layouts[track.recipe.channels]
    encoder.format = FORMAT
    encoder.bit_rate = track.recipe.bitrate
    encoder.time_base = Fraction(1, track.sample_rate)
    encoder.thread_count = 1
    encoder.options = dict(codec.options)
    encoder.flags |= Flags.global_header | Flags.bitexact
    encoder.open()


def package_audio(
    packets: Sequence[av.Packet[av.AudioStream] | bytes], track: AudioTrack, cuts: Sequence[int]
) -> list[Packaged]:
    """Package the access units of a piece into one segment per pair of cuts.

    Args:
        packets: Access units ``cuts[0]`` to ``cuts[-1]`` (exclusive) of the whole track, in order.
        track: Whose they are.
        cuts: Borders of segments, in access units of the whole track.
    """
    codec = audio_codec(track.recipe.codec)
    segments = []
    for first, last in pairwise(cuts):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mp4", options=MUXER) as container:
            stream = container.add_stream(codec.encoder, rate=track.sample_rate)
            assert isinstance(stream, AudioStream)
            configure(stream.codec_context, track)
            for number, packet in enumerate(packets[first - cuts[0] : last - cuts[0]]):
                unit = av.Packet(bytes(packet))
                unit.stream, unit.time_base = stream, Fraction(1, track.sample_rate)
                unit.pts = unit.dts = (number - codec.priming) * codec.frame
                unit.duration = codec.frame
                unit.is_keyframe = True
                container.mux(unit)
        brand = codec.brands.get(track.recipe.channels, b"")
        segments.append(split_muxed(buffer.getvalue(), first * codec.frame, first, brand))
    return segments


def audio_init(track: AudioTrack) -> bytes:
    """Return the init segment of a track, which no sound changes; made of silence, for AC-3 is described by itself."""
    codec, encoder = audio_codec(track.recipe.codec), _encoder(track)
    frame = AudioFrame(format=FORMAT, layout=codec.layouts[track.recipe.channels], samples=codec.frame)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = track.sample_rate, 0, encoder.time_base
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return package_audio([bytes(packets[0])], track, (0, 1))[0].init
