"""Scalers and linear filter graphs of FFmpeg, on one thread and with the same bytes on every processor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from streamify.model.source import Colour

# The SIMD paths of swscale differ from its C code without these two flags, so bytes would differ by CPU.
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
SCALING_TEXT = "bicubic+accurate_rnd+bitexact"


MATRICES: Final = MappingProxyType({1: 1, 4: 4, 5: 5, 6: 5, 7: 7})
"""The scaler's numbers of ITU-T H.273's matrices that it converts between."""


class Scaler:
    """Scales SDR pictures to one size of yuv420p, limited range; holds a scaler, so use one per task.

    Args:
        width: Pixels.
        height: Pixels.
        colour: Of the pictures.
        target: Whose matrix they get. Primaries and transfer stay.
    """

    def __init__(self, width: int, height: int, colour: Colour, target: Colour) -> None:
        self._width, self._height = width, height
        own, wanted = MATRICES.get(colour.matrix), MATRICES.get(target.matrix, 1)
        # Equal on both sides where nothing is converted: the matrix is kept and tagged.
        self._matrices = (1, wanted) if colour.matrix == 0 else (1, 1) if own in (None, wanted) else (own, wanted)
        self._reformatter = VideoReformatter()
        self._full = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
        self._rgb = colour.matrix == 0

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture made of `frame`."""
        return self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="yuv420p",
            src_colorspace=self._matrices[0],
            dst_colorspace=self._matrices[1],
            src_color_range=ColorRange.JPEG if self._rgb else self._full,
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALING,
            threads=1,
        )


@dataclass(frozen=True)
class Shape:
    """What a filter graph is built for."""

    width: int
    height: int
    format: str

    @classmethod
    def of(cls, frame: VideoFrame) -> Shape:
        """Return the shape of a picture."""
        return cls(frame.width, frame.height, frame.format.name)


class Chain:
    """A linear filter graph, built anew where the pictures change size or format."""

    def __init__(self, filters: Sequence[str], before: Scaler | None) -> None:
        self._filters, self._before = filters, before
        self._shape: Shape | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture made of `frame`."""
        if self._before is not None:
            frame = self._before(frame)
        if self._graph is None or self._shape != Shape.of(frame):
            self._shape, self._graph = Shape.of(frame), linear_graph(frame, self._filters)
        self._graph.vpush(frame)
        return self._graph.vpull()


Filter = str | tuple[str, Mapping[str, str]]
"""Such as ``transpose=clock``; or name and options apart, for values that FFmpeg would need escaped."""


def linear_graph(frame: VideoFrame, filters: Iterable[Filter], time_base: Fraction = Fraction(1, 90_000)) -> Graph:
    """Return a configured graph of filters, one after another, on one thread."""
    graph = Graph()
    graph.threads = 1
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=VideoFormat(frame.format.name), time_base=time_base
    )
    for text in filters:
        if isinstance(text, str):
            name, _, arguments = text.partition("=")
            following = graph.add(name, arguments)
        else:
            following = graph.add(text[0], **text[1])
        last.link_to(following)
        last = following
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
