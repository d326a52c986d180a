"""Do pictures have the colours that they should have? A wrong matrix, range or transfer is seen in means of areas."""

from __future__ import annotations

from collections.abc import Sequence

from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from streamify.media.planes import fill, packed

SIZE = 8, 8
"""Width and height to which pictures are averaged."""
OFF = 6.0
"""Levels by which luma or chroma may be off, in the mean of all areas: encoders keep means within two."""
FEW = 2
"""Pictures that may be off: at the start of a shot encoders catch up."""


class Palette:
    """Compares the colours of pictures with those that they should have."""

    def __init__(self) -> None:
        # One for each plane: where sizes change from call to call, a reformatter is set up anew each time.
        self._shrinkers = [VideoReformatter() for _ in "YUV"]
        self._off = 0
        self._most: tuple[float, str] = 0.0, ""
        self.first = 0
        """Time of the first picture that is off, ticks."""

    def add(self, at: int, ours: VideoFrame, theirs: VideoFrame) -> None:
        """Compare a picture at some ticks, yuv420p and limited range as it should be, with what it should be."""
        planes = zip("YUV", _areas(self._shrinkers, ours), _areas(self._shrinkers, theirs), strict=True)
        off = max(
            (sum(abs(a - b) for a, b in zip(one, two, strict=True)) / len(one), name) for name, one, two in planes
        )
        if off[0] > OFF:
            self.first = self.first if self._off else at
            self._off += 1
            self._most = max(self._most, off)

    def faults(self) -> list[str]:
        """Return what is wrong, to be followed by its time."""
        if self._off <= FEW:
            return []
        levels, plane = self._most
        return [
            f"the colours of {self._off} pictures are not the source's ({plane} is {levels:.0f} levels off), the first"
        ]


def _areas(shrinkers: Sequence[VideoReformatter], frame: VideoFrame) -> list[bytes]:
    """Return the means of areas of each plane. Plane by plane: else each frame's word on where chroma lies moves it."""
    area = Interpolation.AREA
    small = (
        shrinker.reformat(_gray(plane), width=SIZE[0], height=SIZE[1], interpolation=area)
        for shrinker, plane in zip(shrinkers, frame.planes, strict=True)
    )
    return [packed(one.planes[0]) for one in small]


def _gray(plane: VideoPlane) -> VideoFrame:
    frame = VideoFrame(plane.width, plane.height, "gray")
    fill(frame.planes[0], packed(plane))
    return frame
