"""What a rendition is to show of a picture: upright, at the picture's own aspect, in the middle, black beside it.

For judging. Sizes and places are worked out here anew, and FFmpeg's own filters put the picture there and convert its
colours, by what its own tags say: nothing of how the renditions were made is asked, but for the tone map.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from av.video.frame import VideoFrame

from streamify.media.source.tags import completed
from streamify.media.source.turn import Turn
from streamify.media.video.hdr import ToneMapper
from streamify.media.video.look import peak_of
from streamify.media.video.picture import BT709, needs_conversion, output_colour
from streamify.media.video.scaling import SCALING_TEXT, Chain
from streamify.model.source import Colour, VideoFacts
from streamify.model.track import VideoTrack

BAR = 4
"""Pixels of black, both sides together, below which there is none."""
EDGE = 4
"""Pixels beside a picture where coding may have changed the black."""
DARK = 32
"""Luma up to which coded black is black."""

_MATRICES: Final = MappingProxyType({1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m"})
"""FFmpeg's names of ITU-T H.273's matrices; pictures of others are taken to have that of the rendition."""

_TURNS = {0: (), 90: ("transpose=1",), 180: ("transpose=1", "transpose=1"), 270: ("transpose=2",)}


class Expected:
    """Makes what a rendition is to show.

    Args:
        video: The source's pictures.
        track: The rendition.
        left: Whether chroma samples lie where every second luma sample does, as of H.264; else in the middle of two.
    """

    def __init__(self, video: VideoFacts, track: VideoTrack, *, left: bool = False) -> None:
        self._video, self._track, self._left = video, track, left
        self._key: tuple[object, ...] | None = None
        self._convert: Callable[[VideoFrame], VideoFrame] | None = None
        self._place: Chain | None = None
        self.size = track.width, track.height
        """Width and height of the latest picture inside the rendition."""

    def __call__(self, frame: VideoFrame, aspect: Fraction, turn: Turn) -> VideoFrame:
        """Return the picture that a rendition shows for one of the source.

        Args:
            frame: As it was decoded.
            aspect: Width of its pixels over their height.
            turn: How a player turns it.
        """
        colour = completed(frame, self._video)
        key = frame.width, frame.height, frame.format.name, aspect, turn, colour
        if key != self._key or self._convert is None or self._place is None:
            self._key = key
            self.size = self._fitted(Fraction(frame.width) * aspect, Fraction(frame.height), turn)
            stored = self.size[::-1] if turn[0] in (90, 270) else self.size
            self._convert = self._converter(colour, *stored)
            pad = f"pad={self._track.width}:{self._track.height}:-1:-1:black"
            self._place = Chain([*(("hflip",) if turn[1] else ()), *_TURNS[turn[0]], pad], None)
        return self._place(self._convert(frame))

    def _converter(self, colour: Colour, width: int, height: int) -> Callable[[VideoFrame], VideoFrame]:
        """Return what scales pictures of some colours and gives them those of the rendition."""
        target = output_colour(self._video)
        if not needs_conversion(colour):
            return _scaled(width, height, colour, target, left=self._left)
        tone_mapped = ToneMapper(peak_of(colour, self._video), width, height)
        if _MATRICES.get(target.matrix) == _MATRICES[BT709.matrix]:
            return tone_mapped
        again = _scaled(width, height, BT709, target, left=self._left)
        return lambda frame: again(tone_mapped(frame))

    def _fitted(self, wide: Fraction, high: Fraction, turn: Turn) -> tuple[int, int]:
        if turn[0] in (90, 270):
            wide, high = high, wide
        width, height = self._track.width, self._track.height
        if wide * height > high * width:  # wider than the rendition: black above and below
            inner = round(high * width / wide / 2) * 2
            return width, height if height - inner < BAR else max(2, inner)
        inner = round(wide * height / high / 2) * 2
        return width if width - inner < BAR else max(2, inner), height


def _scaled(width: int, height: int, colour: Colour, target: Colour, *, left: bool) -> Chain:
    wanted = _MATRICES.get(target.matrix, "bt709")
    own = "" if colour.matrix == 0 else f"in_color_matrix={_MATRICES.get(colour.matrix, wanted)}:"
    full = colour.full_range or colour.matrix == 0
    sited = ":in_chroma_loc=left:out_chroma_loc=left" if left else ""  # the filter does not take a picture's own word
    scale = (
        f"scale={width}:{height}:flags={SCALING_TEXT}:{own}out_color_matrix={wanted}:"
        f"in_range={'pc' if full else 'tv'}:out_range=tv{sited}"
    )
    return Chain([scale, "format=yuv420p"], None)


def unlike_black(frame: VideoFrame, inside: tuple[int, int]) -> bool:
    """Return whether a published picture shows something beside the picture inside it.

    Args:
        frame: Of the rendition.
        inside: Width and height of the picture in its middle.
    """
    plane = frame.planes[0]
    data, line = memoryview(plane), plane.line_size
    side, top = (frame.width - inside[0]) // 2 - EDGE, (frame.height - inside[1]) // 2 - EDGE
    for row in range(0, frame.height, 4):
        luma = bytes(data[row * line : row * line + frame.width])
        if row < top or row >= frame.height - top:
            if top > 0 and sum(luma) > DARK * len(luma):
                return True
        elif side > 0 and sum(luma[:side]) + sum(luma[-side:]) > DARK * 2 * side:
            return True
    return False
