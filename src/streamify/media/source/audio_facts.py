"""What a container says of its audio streams."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from streamify.media.source.choice import choose
from streamify.media.source.loudspeakers import loudspeakers
from streamify.media.source.opening import open_media
from streamify.media.source.plausible import refuse_sound
from streamify.media.source.titles import audio_language, audio_title
from streamify.model.source import AudioFacts


def read_audio(open_source: Callable[[], BinaryIO], program: int | None) -> tuple[AudioFacts, ...]:
    """Return the audio streams that a container lists at its start, of the programme that is transcoded."""
    with open_source() as file, open_media(file) as container:
        return tuple(audio_facts(container, one) for one in choose(container, file, program).audio)


def audio_facts(container: InputContainer, stream: AudioStream) -> AudioFacts:
    """Return what a container says of a stream.

    Raises:
        SourceError: ``source-claims-too-much``.
    """
    context, flags = stream.codec_context, stream.disposition
    channels = loudspeakers(context)
    refuse_sound(stream.index, context.sample_rate, channels.count)
    assert stream.time_base is not None
    duration = stream.duration * stream.time_base if stream.duration else None
    if duration is None and container.duration:
        duration = Fraction(container.duration, av.time_base)
    if duration is not None and container.format.name == "caf" and stream.frames and context.sample_rate:
        # Where packets are of one size FFmpeg tells the length by that of the file, with all chunks behind `data`; what
        # it counts by that chunk's size are samples.
        duration = min(duration, Fraction(stream.frames, context.sample_rate))
    return AudioFacts(
        stream=stream.index,
        codec=context.name,
        sample_rate=context.sample_rate,
        channels=channels.count,
        layout=channels.layout,
        language=audio_language(stream.metadata),
        title=audio_title(stream.metadata),
        default=bool(flags & Disposition.default),
        commentary=bool(flags & Disposition.comment),
        description=bool(flags & (Disposition.visual_impaired | Disposition.descriptions)),
        speech=bool(flags & Disposition.hearing_impaired),
        effects=bool(flags & Disposition.clean_effects),
        karaoke=bool(flags & Disposition.karaoke),
        dub=bool(flags & Disposition.dub),
        original=bool(flags & Disposition.original),
        time_base=stream.time_base,
        start=stream.start_time,
        duration=duration,
    )
