"""Still images from finished segments: thumbnails tiled into sheets, posters, and a measure of how much they show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Literal

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from streamify.media.video.scaling import SCALING, linear_graph
from streamify.media.video.stills import Shown

_JPEG_QUALITY = 3
"""Quantiser scale of FFmpeg's encoder, 1 to 31: the lower the better."""
_LAMBDA = 118
"""FFmpeg's units of a quantiser scale (FF_QP2LAMBDA)."""
_WEBP_QUALITY = 82
_WEBP_EFFORT = 2
"""Of 0 to 6. FFmpeg's default of 4 takes 2.5 times the CPU time for 5 % fewer bytes: 0.10 and 0.04 s at 1080p."""
_PREVIEW_QUALITIES = (60, 40, 20, 5)
_JUDGED = 240
"""Pixels of the longer side of pictures that are judged, at most: larger ones take longer, and tell no more."""
_DARK, _LIGHT = 24.0, 225.0
"""Mean luma (16 to 235) below and above which a picture is black or white for a viewer."""


class SheetMaker:
    """Makes one sheet of thumbnails, row by row from the top left.

    Args:
        init: Init segment of the rendition.
        width: Of a thumbnail, pixels.
        height: Of a thumbnail, pixels.
    """

    def __init__(self, init: bytes, width: int, height: int) -> None:
        self._shown, self._width, self._height = Shown(init), width, height
        self._frames: list[VideoFrame] = []

    def add(self, data: bytes, wanted: Sequence[int]) -> None:
        """Add the pictures that a segment shows at `wanted`, output ticks, which ascend."""
        for frame in self._shown.at(data, wanted):
            self._frames.append(_scaled(frame, self._width, self._height, "yuvj420p"))

    def finish(self, columns: int, rows: int) -> bytes:
        """Return the sheet as a JPEG file; what it lacks is black."""
        graph = linear_graph(self._frames[0], [f"tile=layout={columns}x{rows}:color=black"], Fraction(1, 25))
        for number, frame in enumerate(self._frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            graph.vpush(frame)
        graph.vpush(None)
        return _jpeg(graph.vpull())


class PreviewMaker:
    """Makes an animated preview.

    Args:
        init: Init segment of the rendition.
        width: Pixels.
        height: Pixels.
    """

    def __init__(self, init: bytes, width: int, height: int) -> None:
        self._shown, self._width, self._height = Shown(init), width, height
        self._frames: list[VideoFrame] = []

    def add(self, data: bytes, wanted: Sequence[int]) -> None:
        """Add the pictures that a segment shows at `wanted`, output ticks, which ascend."""
        for frame in self._shown.at(data, wanted):
            self._frames.append(_scaled(frame, self._width, self._height, "bgra"))

    def finish(self, rate: int, most: int) -> bytes:
        """Return the preview as an animated WebP file that repeats for ever.

        Args:
            rate: Pictures a second.
            most: Bytes that it should have at most; its quality is lowered for that, in steps.
        """
        for quality in _PREVIEW_QUALITIES:
            data = self._encoded(rate, quality)
            if len(data) <= most:
                break
        return data

    def _encoded(self, rate: int, quality: int) -> bytes:
        context = CodecContext.create("libwebp_anim", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = self._width, self._height, "bgra"
        context.time_base, context.thread_count = Fraction(1, rate), 1
        context.options = {"flags": "+bitexact", "quality": str(quality)}
        packets = []
        for number, frame in enumerate(self._frames):
            frame.pts, frame.time_base = number, Fraction(1, rate)
            packets += context.encode(frame)
        packets += context.encode(None)
        return b"".join(map(bytes, packets))


def poster_files(
    init: bytes, data: bytes, at: int, sizes: Iterable[tuple[int, int]], *, webp: bool = True
) -> Iterator[tuple[int, int, Literal["image/jpeg", "image/webp"], bytes]]:
    """Yield width, height, media type and bytes of the files of a poster.

    Args:
        init: Init segment.
        data: Media segment.
        at: Output ticks of the picture, inside the segment.
        sizes: Width and height, pixels.
        webp: Whether it is made as WebP, too, which takes most of the time.
    """
    (frame,) = Shown(init).at(data, [at])
    for width, height in sizes:
        yield width, height, "image/jpeg", _jpeg(_scaled(frame, width, height, "yuvj420p"))
        if webp:
            yield width, height, "image/webp", _webp(_scaled(frame, width, height, "bgra"))


def _jpeg(frame: VideoFrame) -> bytes:
    """Return a JPEG file of a picture in BT.601 and full range, as JFIF has it."""
    options = {"flags": "+qscale+bitexact", "global_quality": str(_JPEG_QUALITY * _LAMBDA)}
    return _encoded("mjpeg", frame, options)


def _webp(frame: VideoFrame) -> bytes:
    return _encoded(
        "libwebp", frame, {"flags": "+bitexact", "quality": str(_WEBP_QUALITY), "compression_level": str(_WEBP_EFFORT)}
    )


class Judge:
    """Tells how well pictures would do as a poster. Holds a decoder and a filter graph, so use one per task.

    Args:
        init: Init segment of the rendition.
    """

    def __init__(self, init: bytes) -> None:
        self._shown = Shown(init)
        self._measure: Callable[[VideoFrame], Mapping[str, str]] | None = None

    def __call__(self, data: bytes, wanted: Sequence[int]) -> Iterator[float]:
        """Yield the worth of the pictures that a segment shows at `wanted`, output ticks, which ascend."""
        yield from map(self._worth, self._shown.at(data, wanted))

    def _worth(self, frame: VideoFrame) -> float:
        """Return a number from 0 (black, white or one colour) to about 1: the more detail and contrast, the more.

        Entropy of the luma tells how much there is to see, its spread tells fades and fog, blur tells motion and
        pictures that are dissolved into each other. Rounded, so that no processor's last digit decides.
        """
        scale = min(1.0, _JUDGED / max(frame.width, frame.height))
        width, height = (max(2, 2 * round(side * scale / 2)) for side in (frame.width, frame.height))
        small = frame.reformat(
            width=width, height=height, format="yuv420p", src_colorspace=1, dst_colorspace=1, interpolation=SCALING,
            threads=1,
        )  # fmt: skip
        if self._measure is None:
            self._measure = _measuring(small)
        found = self._measure(small)
        mean = float(found["lavfi.signalstats.YAVG"])
        spread = float(found["lavfi.signalstats.YHIGH"]) - float(found["lavfi.signalstats.YLOW"])
        if not _DARK < mean < _LIGHT or spread < 16:
            return 0.0
        entropy = float(found["lavfi.entropy.normalized_entropy.normal.Y"])
        blur = float(found.get("lavfi.blur", "nan"))
        sharp = 1 / (1 + blur / 8) if blur == blur else 0.1
        centred = 1 - abs(mean - 118) / 160
        return round(entropy * min(spread / 140, 1.0) * (0.3 + 0.7 * sharp) * centred, 3)


def _measuring(first: VideoFrame) -> Callable[[VideoFrame], Mapping[str, str]]:
    graph = linear_graph(first, ["signalstats", "entropy", "blurdetect"], Fraction(1, 25))
    count = 0

    def measure(frame: VideoFrame) -> Mapping[str, str]:
        nonlocal count
        frame.pts, frame.time_base = count, Fraction(1, 25)
        count += 1
        graph.vpush(frame)
        return dict(graph.vpull().metadata)

    return measure


def _scaled(frame: VideoFrame, width: int, height: int, pixels: str) -> VideoFrame:
    return frame.reformat(
        width=width,
        height=height,
        format=pixels,
        src_colorspace=Colorspace.ITU601 if frame.colorspace in (5, 6) else Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=SCALING,
        threads=1,
    )


def _encoded(codec: str, frame: VideoFrame, options: dict[str, str]) -> bytes:
    context = CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base, context.thread_count, context.options = Fraction(1, 25), 1, options
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))
