"""Draws subtitles, which are bitmaps or were made such, into the pictures of renditions.

A bitmap is scaled to each rendition's own size, its colours multiplied by alpha before, so that no clear pixel's colour
bleeds into an edge; then it is laid over the finished picture, behind every scaler and tone map. Its white is thus that
of the output.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from streamify.bitstream.bitmaps.base import Rgba
from streamify.media.bitmaps.place import Area, place
from streamify.media.bitmaps.shown import pixels_of
from streamify.media.planes import fill, packed
from streamify.media.video.fit import fit
from streamify.media.video.picture import output_colour
from streamify.media.video.scaling import SCALING
from streamify.model.burn import BurnBitmap, Shown
from streamify.model.plan import Timeline
from streamify.model.source import Look, VideoFacts
from streamify.model.track import VideoTrack

_WEIGHTS: Final[Mapping[int, tuple[float, float]]] = MappingProxyType(
    {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
)
"""Of red and blue in the luma of ITU-T H.273's matrices; others as BT.709."""
_TICKS = Fraction(1, 25)
"""Time base of the filter graphs, in which pictures are only counted."""

_CLEAR: Final = (0, 128, 128, 0)
"""Luma, Cb and Cr, multiplied by alpha, and alpha."""
_MEAN: Final = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_EDGES = re.compile(rb"[^\0\xff]", re.DOTALL)
"""Of alpha: what is neither clear nor opaque."""


class Size(NamedTuple):
    """Of a plane, pixels."""

    width: int
    height: int


class Burner:
    """Draws what is shown at a time into the pictures of some renditions; holds filter graphs, so use one per task.

    Args:
        codec: Of the subtitles, FFmpeg's name.
        shown: What is shown while the segment is, in order.
        video: Facts of the pictures.
        timeline: From source time to output time.
        tracks: The renditions.
    """

    def __init__(
        self, codec: str, shown: Sequence[Shown], video: VideoFacts, timeline: Timeline, tracks: Sequence[VideoTrack]
    ) -> None:
        self._codec, self._shown, self._video, self._timeline, self._tracks = codec, shown, video, timeline, tracks
        self._starts = [one.start for one in shown]
        self._key: tuple[int, Look] | None = None
        self._painters: list[_Painter] = []

    def seconds(self, pts: int, ticks: int) -> Fraction:
        """Return when a picture is shown, seconds on the clock of the source.

        Args:
            pts: Its own time, source ticks.
            ticks: When it is shown, output ticks: later than its own time says where it stands, or is a field.
        """
        return self._timeline.seconds_of(pts, ticks) + self._video.late

    def draw(self, frames: list[VideoFrame], look: Look, at: Fraction) -> list[VideoFrame]:
        """Return the pictures with what is shown at a time, seconds; those that were given stay as they are.

        Args:
            frames: One picture per rendition.
            look: How the picture that they were made of is meant to be shown.
            at: Seconds on the clock of the source.
        """
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return frames
        shown = self._shown[number]
        if shown.end is not None and shown.end <= at:
            return frames
        if self._key != (number, look):
            self._key = number, look
            self._painters = [self._painter(shown, look, track) for track in self._tracks]
        return [painter(frame) for painter, frame in zip(self._painters, frames, strict=True)]

    def _painter(self, shown: Shown, look: Look, track: VideoTrack) -> _Painter:
        box = fit(look, self._video.look, track.width, track.height)
        placing = place(self._codec, shown.canvas, look, Area(box.left, box.top, box.width, box.height))
        matrix = output_colour(self._video).matrix
        return _Painter([_layer(bitmap, placing.area(bitmap), matrix) for bitmap in shown.bitmaps])


@dataclass(frozen=True)
class _Layer:
    """A bitmap at the size of a rendition, as a picture whose corner lies on a chroma sample."""

    left: int
    top: int
    frame: VideoFrame
    """yuva420p."""


def _layer(bitmap: BurnBitmap, area: Area, matrix: int) -> _Layer:
    left, top = area.left & ~1, area.top & ~1
    width, height = (area.left + area.width + 1 & ~1) - left, (area.top + area.height + 1 & ~1) - top
    planes = _coloured(bitmap, matrix)
    whole = Size(bitmap.width, bitmap.height), Size(area.width, area.height)
    scaled = [_resized(plane, *whole, SCALING) for plane in planes]
    margin = area.left - left, area.top - top
    padded = [
        _padded(plane, whole[1], Size(width, height), margin, clear)
        for plane, clear in zip(scaled, _CLEAR, strict=True)
    ]
    luma, blue, red, alpha = padded
    halved = [_resized(one, Size(width, height), Size(width // 2, height // 2), _MEAN) for one in (blue, red, alpha)]
    frame = VideoFrame(width, height, "yuva420p")
    found = (
        _divided(luma, alpha, 0), _divided(halved[0], halved[2], 128), _divided(halved[1], halved[2], 128), alpha,
    )  # fmt: skip
    for plane, data in zip(frame.planes, found, strict=True):
        fill(plane, data)
    return _Layer(left, top, frame)


def _coloured(bitmap: BurnBitmap, matrix: int) -> list[bytes]:
    """Return luma, Cb, Cr and alpha of a bitmap; the first three are multiplied by alpha, Cb and Cr about 128."""
    pixels, palette = pixels_of(bitmap)
    colours = [_premultiplied(colour, matrix) for colour in palette]
    colours += [_CLEAR] * (256 - len(colours))
    return [pixels.translate(bytes(colour[plane] for colour in colours)) for plane in range(4)]


def _premultiplied(colour: Rgba, matrix: int) -> tuple[int, int, int, int]:
    red, green, blue = (value / 255 for value in colour[:3])
    kr, kb = _WEIGHTS.get(matrix, _WEIGHTS[1])
    luma, part = kr * red + (1 - kr - kb) * green + kb * blue, colour[3] / 255
    return (
        round(part * (16 + 219 * luma)),
        round(128 + part * 224 * (blue - luma) / (2 - 2 * kb)),
        round(128 + part * 224 * (red - luma) / (2 - 2 * kr)),
        colour[3],
    )


def _resized(plane: bytes, size: Size, wanted: Size, how: Interpolation) -> bytes:
    if size == wanted:
        return plane
    frame = VideoFrame(size.width, size.height, "gray")
    fill(frame.planes[0], plane)
    made = VideoReformatter().reformat(
        frame, width=wanted.width, height=wanted.height, format="gray", src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG, interpolation=how, threads=1,
    )  # fmt: skip
    return packed(made.planes[0])


def _padded(plane: bytes, size: Size, wanted: Size, margin: tuple[int, int], clear: int) -> bytes:
    """Return a plane with clear pixels round it, so that it begins and ends with whole chroma samples."""
    if size == wanted:
        return plane
    left, top = margin
    one = bytes([clear])
    lines = (plane[at : at + size.width] for at in range(0, len(plane), size.width))
    rows = [one * left + line + one * (wanted.width - size.width - left) for line in lines]
    empty = one * wanted.width
    return b"".join([empty] * top + rows + [empty] * (wanted.height - size.height - top))


def _divided(plane: bytes, alpha: bytes, zero: int) -> bytes:
    """Return a plane whose values, about `zero`, are no longer multiplied by alpha."""
    found = bytearray(plane)
    for edge in _EDGES.finditer(alpha):
        at = edge.start()
        value = zero + ((found[at] - zero) * 510 + alpha[at]) // (2 * alpha[at])
        found[at] = max(0, min(255, value))
    return bytes(found)


class _Painter:
    """Lays bitmaps over pictures of one size."""

    def __init__(self, layers: Sequence[_Layer]) -> None:
        self._layers = layers
        self._graph: Graph | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        if self._graph is None:
            self._graph, self._input = self._built(frame)
        self._input.push(frame)
        return self._graph.vpull()

    def _built(self, first: VideoFrame) -> tuple[Graph, FilterContext]:
        """Return a graph that lays the bitmaps over pictures, and where these go in."""
        graph = Graph()
        graph.threads = 1
        main = _source(graph, first)
        last = graph.add("setpts", "N")  # pictures are counted: some are drawn again, and have one time
        main.link_to(last)
        sources = []
        for layer in self._layers:
            overlay = graph.add("overlay", f"x={layer.left}:y={layer.top}:format=yuv420:eof_action=repeat")
            last.link_to(overlay, 0, 0)
            sources.append(_source(graph, layer.frame))
            sources[-1].link_to(overlay, 0, 1)
            last = overlay
        last.link_to(graph.add("buffersink"))
        graph.configure()
        for source, layer in zip(sources, self._layers, strict=True):
            layer.frame.pts, layer.frame.time_base = 0, _TICKS
            source.push(layer.frame)
            source.push(None)
        return graph, main


def _source(graph: Graph, frame: VideoFrame) -> FilterContext:
    return graph.add_buffer(
        width=frame.width, height=frame.height, format=VideoFormat(frame.format.name), time_base=_TICKS
    )
