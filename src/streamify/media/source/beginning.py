"""What is learnt of a video stream from a freshly opened container."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.container import InputContainer
from av.video.stream import VideoStream

from streamify.errors import SourceError
from streamify.media.source.doubt import Codec
from streamify.media.source.plausible import refuse_size
from streamify.media.source.scan import Start, read_start
from streamify.media.source.witness import Witness, sample_entries


@dataclass(frozen=True)
class VideoStart:
    """What is learnt of a video stream from a freshly opened container."""

    stream: int
    format_name: str
    time_base: Fraction
    start: Start
    witness: Witness | None
    """MP4/MOV only."""
    codec: Codec


def read_beginning(container: InputContainer, stream: int) -> VideoStart:
    """Take what `read_index` needs from a container that nothing was read from yet.

    Raises:
        SourceError: The stream is no video stream, or has no decoder.
    """
    video = video_stream(container.streams, stream)
    refuse_size(video.codec_context.width, video.codec_context.height)
    name, start = container.format.name, read_start(container, video)
    witness = None
    if name.startswith("mov"):
        witness = Witness(video.id, len(video.index_entries), sample_entries(video), start.packets)
    context = video.codec_context
    codec = Codec(context.name, bytes(context.extradata or b""))
    return VideoStart(stream, name, cast("Fraction", video.time_base), start, witness, codec)


def video_stream(streams: object, number: int) -> VideoStream:
    """Return a video stream of a container.

    Raises:
        SourceError: It is none, or has no decoder.
    """
    chosen = list(cast("list[object]", streams))[number : number + 1]
    if not chosen or not isinstance(chosen[0], VideoStream):
        raise SourceError("no-pictures", f"stream {number} is no video stream", "choose a video stream of the source")
    if cast("object", chosen[0].codec_context) is None:
        raise SourceError(
            "no-decoder", f"there is no decoder for video stream {number}", "convert it to H.264 or another open codec"
        )
    return chosen[0]
