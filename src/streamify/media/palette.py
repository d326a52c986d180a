"""Do pictures have the colours that they should have? A wrong matrix, range or transfer is seen in means of areas."""

from __future__ import annotations

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

SIZE = 32, 32
"""Width and height to which pictures are averaged."""
OFF = 6.0
"""Levels by which luma or chroma may be off, in the mean of all areas: encoders keep means within two."""
FEW = 2
"""Pictures that may be off: at the start of a shot encoders catch up."""


class Palette:
    """Compares the colours of pictures with those that they should have."""

    def __init__(self) -> None:
        self._ours, self._theirs = VideoReformatter(), VideoReformatter()
        self._off = 0
        self._most: tuple[float, str] = 0.0, ""
        self.first = 0
        """Time of the first picture that is off, ticks."""

    def add(self, at: int, ours: VideoFrame, theirs: VideoFrame) -> None:
        """Compare a picture at some ticks, yuv420p and limited range as it should be, with what it should be."""
        planes = zip("YUV", _areas(self._ours, ours), _areas(self._theirs, theirs), strict=True)
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


def _areas(reformatter: VideoReformatter, frame: VideoFrame) -> list[bytes]:
    small = reformatter.reformat(
        frame, width=SIZE[0], height=SIZE[1], format="yuv420p", src_colorspace=1, dst_colorspace=1,
        src_color_range=ColorRange.MPEG, dst_color_range=ColorRange.MPEG, interpolation=Interpolation.AREA,
    )  # fmt: skip
    found = []
    for plane in small.planes:
        data = bytes(plane)
        found.append(b"".join(data[row * plane.line_size :][: plane.width] for row in range(plane.height)))
    return found
