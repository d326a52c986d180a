"""Which streams a source has, as its container tells at its start and at later places: no plan, no scan.

For judging.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from av.container import InputContainer

from streamify.errors import SourceError
from streamify.media.source.choice import choose, has_decoder
from streamify.media.source.flv import flv_head, tag_behind
from streamify.media.source.opening import open_media
from streamify.media.source.splice import opened
from streamify.media.source.titles import audio_language
from streamify.model.plan import Inline, Range, Splice

GROWING = ("mpegts", "mpeg", "flv")
"""Containers whose streams may appear late."""
PLACES = 4
"""Parts of such a file that are looked at, one behind the other."""


@dataclass(frozen=True)
class ToldStreams:
    """What a container tells at its start."""

    format_name: str
    video: int | None
    """Index of the video stream that is meant."""
    audio: Mapping[int, str]
    """Indices of the audio streams that belong to it, and what they are, for people."""
    alone: bool
    """Whether there is one programme, or none."""


def told_streams(open_source: Callable[[], BinaryIO], program: int | None) -> ToldStreams:
    """Return which streams a container tells of at its start.

    Args:
        open_source: Opens the source.
        program: Number of the programme that is wanted.
    """
    with open_source() as file, open_media(file) as container:
        choice = choose(container, file, program)
        return ToldStreams(
            container.format.name,
            None if choice.video is None else choice.video.index,
            {
                one.index: ", ".join(filter(None, [one.codec_context.name, audio_language(one.metadata)]))
                for one in choice.audio
            },
            choice.programme is None,
        )


def late_sounds(open_source: Callable[[], BinaryIO], told: ToldStreams, known: int, size: int) -> int:
    """Return how many audio streams a container tells of at a later place, where these are more than are known.

    Streams whose numbers change midway stay as many as they were.

    Args:
        open_source: Opens the source.
        told: What its start says.
        known: How many are known.
        size: Of the source, bytes.
    """
    if told.format_name not in GROWING or not told.alone:
        return 0
    most = 0
    for place in range(1, PLACES):
        asked = size * place // PLACES
        try:
            with open_source() as file:
                flv = told.format_name == "flv"
                offset = tag_behind(file, asked, size) if flv else asked
                if offset is None:
                    continue
                head = (Inline.of(flv_head(file)),) if flv else ()
                part = Splice(pieces=(*head, Range(offset=offset, length=size - offset)), format=told.format_name)
                with open_media(opened(file, part), format=part.format) as container:
                    most = max(most, _heard(container))
        except SourceError:
            continue  # it does not open there; its start did
    return most if most > known else 0


def _heard(container: InputContainer) -> int:
    """Return how many streams of sound are told of; those of a program stream with an id of pictures are none.

    From the middle of a picture on, FFmpeg takes some H.264 for MP3 (ISO/IEC 13818-1, 2.4.3.7: stream_id).
    """
    pictures = range(0x1E0, 0x1F0) if container.format.name == "mpeg" else range(0)
    return sum(
        has_decoder(one) and one.codec_context.sample_rate > 0 and one.id not in pictures
        for one in container.streams.audio
    )
