"""Subtitles in the pictures that a rendition is to show, for judging: FFmpeg's filters scale them and lay them on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from streamify.media.bitmaps.place import Area, place
from streamify.media.bitmaps.shown import pixels_of
from streamify.media.planes import fill
from streamify.media.video.scaling import SCALING_TEXT
from streamify.model.burn import BurnBitmap, Shown
from streamify.model.source import Look
from streamify.model.track import VideoTrack

NEAR = Fraction(1, 2)
"""Seconds."""
_TICKS = Fraction(1, 25)


class Burnt:
    """Draws what is shown at a time; holds a filter graph, so use one per task.

    Args:
        shown: What is shown, in order.
        track: The rendition.
    """

    def __init__(self, shown: Sequence[Shown], track: VideoTrack) -> None:
        self._shown, self._track = shown, track
        self._starts = [one.start for one in shown]
        self._key: tuple[object, ...] = ()
        self.other: VideoFrame | None = None
        """The latest picture as it would be wrong: without what is shown, or with what was shown until then."""
        self._graph = Graph()
        self._input: FilterContext | None = None

    def __call__(self, frame: VideoFrame, inside: tuple[int, int], look: Look, at: Fraction) -> VideoFrame:
        """Return a picture with what is shown; the one that was given stays as it is.

        Args:
            frame: As the rendition is to show it without.
            inside: Width and height of the source's picture in the middle of it.
            look: Of that.
            at: Seconds on the clock of the source.
        """
        self.other = None
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return frame
        end = self._shown[number].end
        if end is not None and end + NEAR <= at:
            return frame
        if self._key != (number, inside, look):
            self._key = number, inside, look
            self._graph, self._input = self._built(frame, self._shown[number], inside, look)
        assert self._input is not None
        self._input.push(frame)
        drawn = self._graph.vpull()
        if end is not None and end <= at:
            self.other = drawn
            return frame
        self.other = frame
        return drawn

    def _built(
        self, frame: VideoFrame, shown: Shown, inside: tuple[int, int], look: Look
    ) -> tuple[Graph, FilterContext | None]:
        burn = self._track.recipe.burn
        assert burn is not None
        area = Area((frame.width - inside[0]) // 2, (frame.height - inside[1]) // 2, *inside)
        placing = place(burn.codec, shown.canvas, look, area)
        graph = Graph()
        graph.threads = 1
        main = _source(graph, frame)
        last = graph.add("setpts", "N")
        main.link_to(last)
        sources: list[tuple[FilterContext, VideoFrame]] = []
        for bitmap in shown.bitmaps:
            where, picture = placing.area(bitmap), _picture(bitmap)
            source = _source(graph, picture)
            scale = graph.add("scale", f"{where.width}:{where.height}:flags={SCALING_TEXT}")
            overlay = graph.add("overlay", f"x={where.left}:y={where.top}:format=yuv444")
            source.link_to(scale)
            last.link_to(overlay, 0, 0)
            scale.link_to(overlay, 0, 1)
            sources.append((source, picture))
            last = overlay
        for name, options in (("format", "yuv420p"), ("buffersink", "")):
            following = graph.add(name, options) if options else graph.add(name)
            last.link_to(following)
            last = following
        graph.configure()
        for source, picture in sources:
            source.push(picture)
            source.push(None)
        return graph, main


def _picture(bitmap: BurnBitmap) -> VideoFrame:
    pixels, palette = pixels_of(bitmap)
    frame = VideoFrame(bitmap.width, bitmap.height, "gbrap")
    colours = [*palette, *([(0, 0, 0, 0)] * (256 - len(palette)))]
    for plane, channel in zip(frame.planes, (1, 2, 0, 3), strict=True):
        fill(plane, pixels.translate(bytes(colour[channel] for colour in colours)))
    frame.pts, frame.time_base = 0, _TICKS
    return frame


def _source(graph: Graph, frame: VideoFrame) -> FilterContext:
    return graph.add_buffer(
        width=frame.width, height=frame.height, format=VideoFormat(frame.format.name), time_base=_TICKS
    )
