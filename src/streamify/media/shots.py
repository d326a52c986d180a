"""Small grey versions of pictures, for telling which picture is which."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from streamify.media.burnt import Burnt
from streamify.media.expected import Expected
from streamify.media.lockstep import Shot
from streamify.media.planes import packed
from streamify.media.source.linear import decode_all, decode_from, decode_parts
from streamify.media.source.opening import open_media
from streamify.media.source.reading import decode, decoder, read_packets, stream_of
from streamify.media.source.turn import Turn
from streamify.media.video.scaling import linear_graph
from streamify.model.burn import Shown
from streamify.model.source import VideoFacts
from streamify.model.track import VideoTrack

SIDE = 48
"""Pixels of the longer side."""


class _Shrinker:
    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> bytes:
        scale = SIDE / max(frame.width, frame.height)
        width, height = max(8, round(frame.width * scale)), max(8, round(frame.height * scale))
        # Luma as it is: a conversion to grey would go by tags, which not every picture has.
        small = self._reformatter.reformat(
            frame, width=width // 2 * 2, height=height // 2 * 2, format="yuv420p", src_colorspace=1, dst_colorspace=1,
            src_color_range=ColorRange.MPEG, dst_color_range=ColorRange.MPEG, interpolation=Interpolation.AREA,
        )  # fmt: skip
        return packed(small.planes[0])


def source_shots(
    open_source: Callable[[], BinaryIO],
    video: VideoFacts,
    track: VideoTrack,
    step: Fraction,
    start: Fraction | None = None,
    shown: Sequence[Shown] = (),
) -> Iterator[Shot]:
    """Yield a source's pictures as a rendition is to show them, small, in the order of decoding.

    Where each field becomes a picture, both are yielded, as the lines of the source's picture that make it, and beside
    them what both show together.

    Args:
        open_source: Opens the source.
        video: Facts about the stream.
        track: The rendition.
        step: Usual distance of the rendition's pictures, seconds.
        start: Seconds on the source's clock before which pictures are left out; ``None``: none is.
        shown: What is drawn into the pictures.
    """
    expected, shrink = Expected(video, track), _Shrinker()
    burnt = Burnt(shown, track) if shown else None

    def made(frame: VideoFrame, aspect: Fraction, turn: Turn, time: Fraction | None) -> VideoFrame:
        clean = expected(frame, aspect, turn)
        if burnt is None or time is None:
            return clean
        return burnt(clean, expected.size, video.look, time + video.late)

    if video.edits:
        whole = decode_parts(open_source, video.stream, video.edits, video.time_base, start)
    elif start is None:
        whole = decode_all(open_source, video.stream)
    else:
        whole = decode_from(open_source, video.stream, start)
    for seen in whole:
        if start is not None and seen.time is not None and seen.time < start:
            continue
        frames, woven = [seen.frame], b""
        if track.recipe.deinterlace == "field":
            if seen.frame.interlaced_frame or video.combed:
                frames = _fields(seen.frame, video)
                woven = shrink(made(_whole(seen.frame), seen.aspect, seen.turn, seen.time))
            else:
                frames = [seen.frame] * 2
        for number, frame in enumerate(frames):
            aspect = seen.aspect * frame.height / seen.frame.height
            time = None if seen.time is None else seen.time + number * step
            decoded = None if seen.decoded is None else seen.decoded + number * step
            grey = shrink(made(frame, aspect, seen.turn, time))
            yield Shot(time, grey, seen.marred, woven, decoded, seen.doubted, seen.again)


def _fields(frame: VideoFrame, video: VideoFacts) -> list[VideoFrame]:
    """Return the fields of a picture, half as high, in the order in which they are shown."""
    flags = [] if frame.interlaced_frame else [f"setfield={'tff' if video.combed == 'top' else 'bff'}"]
    return _filtered(frame, [*flags, "separatefields"])


def _whole(frame: VideoFrame) -> VideoFrame:
    """Return a picture not flagged as interlaced: else FFmpeg scales each field by itself."""
    return _filtered(frame, ["setfield=prog"])[0]


def _filtered(frame: VideoFrame, filters: list[str]) -> list[VideoFrame]:
    frame.pts, frame.time_base = 0, Fraction(1, 1000)
    graph = linear_graph(frame, filters, Fraction(1, 1000))
    graph.vpush(frame)
    graph.vpush(None)
    made: list[VideoFrame] = []
    while True:
        try:
            made.append(graph.vpull())
        except (av.error.BlockingIOError, av.error.EOFError):
            return made


def stream_shots(init: bytes, segments: Iterable[bytes], timescale: int) -> Iterator[Shot]:
    """Yield the pictures of a rendition, small, segment by segment.

    Raises:
        UnreadableError: The init segment is no video's.
    """
    shrink = _Shrinker()
    for data in segments:
        with open_media(io.BytesIO(init + data), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
            stream = stream_of(container.streams.video)
            context = decoder(stream)
            for packet in read_packets(container, stream):
                for frame in decode(context, packet):  # what is refused is named by the segment's check
                    yield Shot(Fraction(frame.pts or 0, timescale), shrink(frame))
