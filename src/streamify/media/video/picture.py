"""From a decoded picture to the pictures of all renditions: deinterlaced, made SDR, scaled, turned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from streamify.media.video.decode import DecodeLog, Picture, WindowSource, decode_window
from streamify.model.plan import Segment
from streamify.model.source import Colour, VideoFacts
from streamify.model.track import VideoTrack

# The SIMD paths of swscale differ from its C code without these two flags, so bytes would differ by CPU.
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
SCALING_TEXT = "bicubic+accurate_rnd+bitexact"

BT709 = Colour(primaries=1, transfer=1, matrix=1)
WIDE_MATRICES = (9, 10)
"""BT.2020, which no SDR player of H.264 expects."""


def output_colour(video: VideoFacts) -> Colour:
    """Return how the renditions are tagged: the source's own SDR colour, spelt out; BT.709 for HDR, BT.2020 and RGB.

    A source that says nothing is taken for what players assume at its own size, and that is said in every rung:
    otherwise the colours would change with the rung.
    """
    colour = video.colour
    if needs_conversion(colour) or colour.matrix == 0:
        return BT709
    large = min(video.width, video.height) >= 720
    default = 1 if large else 6
    return Colour(
        primaries=colour.primaries if colour.primaries != 2 else default,
        transfer=colour.transfer if colour.transfer != 2 else default,
        matrix=colour.matrix if colour.matrix != 2 else default,
    )


def needs_conversion(colour: Colour) -> bool:
    """Return whether transfer or primaries must change, not only the tags."""
    return colour.hdr or colour.matrix in WIDE_MATRICES or colour.primaries == 9


class Renditions:
    """Makes the pictures of all renditions of one source; holds scalers, so use one per task."""

    def __init__(self, video: VideoFacts, tracks: Sequence[VideoTrack]) -> None:
        turned = video.rotation in (90, 270)
        chain = _turns(video)
        convert = needs_conversion(video.colour)
        self._scalers: list[_Scaler | _Chain] = []
        for track in tracks:
            width, height = (track.height, track.width) if turned else (track.width, track.height)
            if convert:
                tone = (
                    f"scale={width}:{height}:flags={SCALING_TEXT}:"
                    f"in_primaries={_PRIMARIES.get(video.colour.primaries, 'auto')}:"
                    f"in_transfer={_TRANSFERS.get(video.colour.transfer, 'auto')}:"
                    "out_primaries=bt709:out_transfer=bt709:out_color_matrix=bt709:out_range=tv,format=yuv420p"
                )
                self._scalers.append(_Chain([*tone.split(","), *chain], None))
            elif chain:
                self._scalers.append(_Chain(chain, _Scaler(width, height, video)))
            else:
                self._scalers.append(_Scaler(width, height, video))

    def make(self, frame: VideoFrame) -> list[VideoFrame]:
        """Return one yuv420p picture per rendition, in the order of the tracks."""
        return [scaler(frame) for scaler in self._scalers]


class _Scaler:
    def __init__(self, width: int, height: int, video: VideoFacts) -> None:
        self._width, self._height = width, height
        self._reformatter = VideoReformatter()
        self._full = ColorRange.JPEG if video.colour.full_range else ColorRange.MPEG
        self._rgb = video.colour.matrix == 0

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        return self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="yuv420p",
            # Equal on both sides: the matrix of the source is kept and tagged. RGB becomes BT.709.
            src_colorspace=1,
            dst_colorspace=1,
            src_color_range=ColorRange.JPEG if self._rgb else self._full,
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALING,
            threads=1,
        )


@dataclass(frozen=True)
class _Shape:
    width: int
    height: int
    format: str

    @classmethod
    def of(cls, frame: VideoFrame) -> _Shape:
        return cls(frame.width, frame.height, frame.format.name)


class _Chain:
    """A linear filter graph, built anew where the pictures change size or format."""

    def __init__(self, filters: Sequence[str], before: _Scaler | None) -> None:
        self._filters, self._before = filters, before
        self._shape: _Shape | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        if self._before is not None:
            frame = self._before(frame)
        if self._graph is None or self._shape != _Shape.of(frame):
            self._shape, self._graph = _Shape.of(frame), linear_graph(frame, self._filters)
        self._graph.vpush(frame)
        return self._graph.vpull()


def linear_graph(frame: VideoFrame, filters: Iterable[str], time_base: Fraction = Fraction(1, 90_000)) -> Graph:
    """Return a configured graph of filters such as ``transpose=clock``, one after another, on one thread."""
    graph = Graph()
    graph.threads = 1
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=VideoFormat(frame.format.name), time_base=time_base
    )
    for text in filters:
        name, _, arguments = text.partition("=")
        following = graph.add(name, arguments)
        last.link_to(following)
        last = following
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def window_pictures(
    source: WindowSource, video: VideoFacts, segment: Segment, log: DecodeLog, *, before: bool = False
) -> Iterator[Picture]:
    """Yield a segment's pictures, deinterlaced where the source is interlaced, and the one after its end.

    With `before`, the picture before the window comes first, where there is one. Deinterlacing looks at it, so that it
    comes first there in any case.
    """
    pictures = decode_window(source, segment, log, before=before or video.interlaced)
    return deinterlace(pictures, video.time_base) if video.interlaced else pictures


def deinterlace(pictures: Iterable[Picture], time_base: Fraction) -> Iterator[Picture]:
    """Deinterlace a run of pictures with bwdif, one picture out for each one in.

    bwdif looks at one picture before and one after: given those, a segment equals the whole file bit by bit.
    Pictures that are flagged progressive pass unchanged.
    """
    graph: Graph | None = None
    shape: _Shape | None = None
    waiting: list[Picture] = []
    for picture in pictures:
        if graph is None or shape != _Shape.of(picture.frame):
            if graph is not None:
                yield from _drain(graph, waiting)
            shape = _Shape.of(picture.frame)
            graph = linear_graph(picture.frame, ["bwdif=mode=send_frame:parity=auto:deint=interlaced"], time_base)
        picture.frame.pts, picture.frame.time_base = picture.pts, time_base
        waiting.append(picture)
        graph.vpush(picture.frame)
        yield from _ready(graph, waiting)
    if graph is not None:
        yield from _drain(graph, waiting)


def _drain(graph: Graph, waiting: list[Picture]) -> Iterator[Picture]:
    graph.vpush(None)
    yield from _ready(graph, waiting)


def _ready(graph: Graph, waiting: list[Picture]) -> Iterator[Picture]:
    while waiting:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield Picture(waiting.pop(0).pts, frame)


def _turns(video: VideoFacts) -> list[str]:
    turns = ["hflip"] if video.mirrored else []
    return turns + {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}[video.rotation]


# Names of ITU-T H.273 code points as FFmpeg's scale filter spells them.
_PRIMARIES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {1: "bt709", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"}
