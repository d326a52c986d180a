"""Streams of bitmap subtitles in a container."""

from __future__ import annotations

from av.container import InputContainer
from av.stream import Disposition, Stream

from streamify.media.source.choice import has_decoder
from streamify.media.source.titles import audio_language, audio_title
from streamify.model.burn import BITMAP_CODECS, BitmapFacts


def bitmap_facts(container: InputContainer, elsewhere: frozenset[int]) -> tuple[BitmapFacts, ...]:
    """Return what a container says of its streams of bitmap subtitles.

    Args:
        container: The source, opened.
        elsewhere: Indices of streams of other programmes.
    """
    return tuple(_facts(stream) for stream in container.streams if is_bitmaps(stream) and stream.index not in elsewhere)


def is_bitmaps(stream: Stream) -> bool:
    """Return whether a stream is of bitmap subtitles that can be drawn."""
    return (
        stream.type == "subtitle" and has_decoder(stream) and stream.codec_context.codec.canonical_name in BITMAP_CODECS
    )


def _facts(stream: Stream) -> BitmapFacts:
    flags = stream.disposition
    return BitmapFacts(
        stream=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        language=audio_language(stream.metadata),
        title=audio_title(stream.metadata),
        forced=bool(flags & Disposition.forced),
        sdh=bool(flags & Disposition.hearing_impaired),
        packets=stream.frames or None,
    )
