"""What a rendition is to show of a picture: upright, at the picture's own aspect, in the middle, black beside it.

For judging. Sizes and places are worked out here anew, and FFmpeg's own filters put the picture there: nothing of how
the renditions were made is asked, but for colours.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from av.video.frame import VideoFrame

from streamify.media.source.turn import Turn
from streamify.media.video.picture import converter
from streamify.media.video.scaling import Chain
from streamify.model.source import VideoFacts
from streamify.model.track import VideoTrack

BAR = 4
"""Pixels of black, both sides together, below which there is none."""
EDGE = 4
"""Pixels beside a picture where coding may have changed the black."""
DARK = 32
"""Luma up to which coded black is black."""

_TURNS = {0: (), 90: ("transpose=1",), 180: ("transpose=1", "transpose=1"), 270: ("transpose=2",)}


class Expected:
    """Makes what a rendition is to show."""

    def __init__(self, video: VideoFacts, track: VideoTrack) -> None:
        self._video, self._track = video, track
        self._key: tuple[int, int, str, Fraction, Turn] | None = None
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
        key = frame.width, frame.height, frame.format.name, aspect, turn
        if key != self._key or self._convert is None or self._place is None:
            self._key = key
            self.size = self._fitted(Fraction(frame.width) * aspect, Fraction(frame.height), turn)
            stored = self.size[::-1] if turn[0] in (90, 270) else self.size
            self._convert = converter(self._video, *stored)
            pad = f"pad={self._track.width}:{self._track.height}:-1:-1:black"
            self._place = Chain([*(("hflip",) if turn[1] else ()), *_TURNS[turn[0]], pad], None)
        return self._place(self._convert(frame))

    def _fitted(self, wide: Fraction, high: Fraction, turn: Turn) -> tuple[int, int]:
        if turn[0] in (90, 270):
            wide, high = high, wide
        width, height = self._track.width, self._track.height
        if wide * height > high * width:  # wider than the rendition: black above and below
            inner = round(high * width / wide / 2) * 2
            return width, height if height - inner < BAR else max(2, inner)
        inner = round(wide * height / high / 2) * 2
        return width if width - inner < BAR else max(2, inner), height


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
