"""How a player turns a picture: its display matrix (ISO/IEC 14496-12, 8.5.3)."""

from __future__ import annotations

import math
import struct
from typing import Literal

from av.video.frame import VideoFrame

from streamify.media.source.sidedata import SideDataType, first_of

Turn = tuple[Literal[0, 90, 180, 270], bool]
"""Degrees clockwise, and whether it is flipped left to right before that."""

UPRIGHT: Turn = (0, False)


def turn_of(frame: VideoFrame) -> Turn:
    """Return how a player turns a decoded picture."""
    matrix = first_of(frame, SideDataType.DISPLAYMATRIX)
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b  # undo the flip of the first axis
    degrees = round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360
    return {0: (0, mirrored), 90: (90, mirrored), 180: (180, mirrored), 270: (270, mirrored)}[degrees]  # type: ignore[return-value]


class Turns:
    """Tells how pictures are turned, in the order in which a decoder gives them out.

    A message in the bitstream that turns a picture holds until the next keyframe (ITU-T H.264, D.2.28); FFmpeg reports
    it for the one picture alone.
    """

    def __init__(self) -> None:
        self._raw, self._turn = 0, UPRIGHT

    def of(self, frame: VideoFrame) -> Turn:
        """Return how a player turns a picture."""
        raw = frame.rotation  # cheap; the matrix itself is read only where this changes
        if raw != self._raw and (raw or frame.key_frame):
            self._raw, self._turn = raw, turn_of(frame)
        return self._turn
